// ssdScan in float16 on emulated matrix units, on poisoned buffers: software GPUs compile for seconds what emulates them.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {OpCase, OpDefinition} from '../../custom-ops/op.js';
import {deviations} from '../../custom-ops/parity.js';
import type {SsdScanAttributes} from '../../custom-ops/ssd-scan/attributes.js';
import {chunkOf, NO_MOST} from '../../custom-ops/ssd-scan/attributes.js';
import {ssdScanOp} from '../../custom-ops/ssd-scan/definition.js';
import type {MatrixUnit} from '../../custom-ops/wgsl/matrix-units.js';
import {withMatrixUnits} from '../support/emulated-matrices.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

const unit: MatrixUnit = {rows: 32, columns: 32, inner: 16, factor: 'f16', sum: 'f32'};
const opCase: OpCase<SsdScanAttributes> = {
  name: 'two chunks, parts of blocks',
  dims: {B: 1, L: chunkOf({precision: 'float16'}) + 6, H: 2, P: 8, G: 1, N: 8},
  attrs: {deltaLeast: 0, deltaMost: NO_MOST, precision: 'float16'},
  use: 'test',
};

describe('ssdScan on emulated matrix units', function () {
  this.timeout(300_000);
  onPoisonedBuffers();

  for (const [name, gradients, pipelines] of [
    ['values', false, 2],
    ['gradients', true, 5],
  ] as const) {
    it(name, async () => {
      const before = memory().numTensors;
      const made = await withMatrixUnits([unit], async () => {
        for (const {quantity, error, isWithin} of await deviations(ssdScanOp as OpDefinition, opCase, {
          gradients,
        }))
          expect(isWithin, `${quantity}: RMS-relative error ${error}`).to.equal(true);
      });
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      expect(made, 'pipelines on matrix units').to.equal(pipelines);
    });
  }
});
