// The float64 references against vectors of an independent implementation, gradients included.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {causalConv1dOp} from '../../custom-ops/causal-conv1d/definition.js';
import {innovationScoresOp} from '../../custom-ops/innovation-scores/definition.js';
import {innovationSelectOp} from '../../custom-ops/innovation-select/definition.js';
import {memoryAttentionOp} from '../../custom-ops/memory-attention/definition.js';
import type {Attributes, Dims, HostArray, OpDefinition} from '../../custom-ops/op.js';
import {gradName} from '../../custom-ops/op.js';
import {referenceBackward, referenceForward} from '../../custom-ops/parity.js';
import type {NamedArrays, Sample} from '../../custom-ops/sampling.js';
import {selectiveScanOp} from '../../custom-ops/selective-scan/definition.js';
import {NO_MOST} from '../../custom-ops/ssd-scan/attributes.js';
import {ssdScanOp} from '../../custom-ops/ssd-scan/definition.js';
import type {VectorFile} from '../../eval/verify/vector-file.js';
import {readVectorFile} from '../../eval/verify/vector-file.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import {expectClose} from '../support/error.js';

const TOLERANCE = 1e-12;
const folder = join(import.meta.dirname, '../../../test/golden');

/** The file's names that differ from the op's. */
const renamed: Readonly<Record<string, string>> = {
  eidetic: 'positions',
  indices: 'positions',
  innovation: 'scores',
};

function bindDims(op: OpDefinition, tensors: ReadonlyMap<string, NamedTensorData>, attrs: Attributes): Dims {
  const dims: Record<string, number> = {};
  for (const [name, tensor] of tensors) {
    const spec = op.inputs[renamed[name] ?? name];
    spec?.shape.split(' ').forEach((token, axis) => {
      dims[token] ??= tensor.shape[axis];
    });
  }
  for (const [token, derive] of Object.entries(op.derivedDims ?? {})) dims[token] = derive(dims, attrs);
  return dims;
}

function float64(data: NamedTensorData['data']): HostArray {
  return data instanceof Int32Array ? data : Float64Array.from(data);
}

function sampleOf(op: OpDefinition, file: VectorFile, attrs: Attributes): Sample {
  const inputs: NamedArrays = {};
  const cotangents: NamedArrays = {};
  const dims = bindDims(op, file.inputs, attrs);
  for (const [name, tensor] of file.inputs) {
    const own = renamed[name] ?? name;
    if (own in op.inputs) inputs[own] = float64(tensor.data);
    else cotangents[own] = float64(tensor.data);
  }
  return {op, attrs, dims, inputs, cotangents};
}

function expectGolden(
  op: OpDefinition,
  file: VectorFile,
  attrs: Attributes,
  skip: readonly string[] = [],
): void {
  const sample = sampleOf(op, file, attrs);
  const outputs = referenceForward(sample);
  for (const [name, tensor] of file.outputs) {
    const own = renamed[name] ?? name;
    if (!skip.includes(name)) expectClose(outputs[own], tensor.data, TOLERANCE, name);
  }
  if (file.gradients.size === 0) return;
  const gradients = referenceBackward(sample);
  for (const [name, tensor] of file.gradients)
    expectClose(gradients[gradName(name)], tensor.data, TOLERANCE, `grad ${name}`);
}

function integers(file: VectorFile, ...names: string[]): number[] {
  return names.map(name => Number(file.attrs[name]));
}

/** [B, H, L], as the file has it, to [B, L, H]. */
function headsLast({name, shape, data}: NamedTensorData): NamedTensorData {
  const [B, H, L] = shape;
  const at = (i: number): number => (Math.floor(i / (L * H)) * H + (i % H)) * L + (Math.floor(i / H) % L);
  return {name, shape: [B, L, H], data: Float64Array.from(data, (_, i) => Number(data[at(i)]))};
}

const byPrefix: Readonly<Record<string, (file: VectorFile) => void>> = {
  'selective-scan': file =>
    expectGolden(selectiveScanOp, file, {deltaSoftplus: file.attrs.deltaSoftplus === true}),
  'ssd-scan': file =>
    expectGolden(ssdScanOp, file, {deltaLeast: 0, deltaMost: NO_MOST, precision: 'float32'}),
  'causal-conv1d': file => expectGolden(causalConv1dOp, file, {activation: String(file.attrs.activation)}),
  'memory-attention': file => {
    const [window] = integers(file, 'window');
    const rows = {fadingTokens: 0, queryOffset: 0, firstRow: 0, phase: 0};
    const attrs = {...rows, window, fading: 'sliding', precision: 'float32'};
    const outputs = new Map(
      [...file.outputs].map(([name, tensor]) => [name, name === 'logSumExp' ? headsLast(tensor) : tensor]),
    );
    expectGolden(memoryAttentionOp, {...file, outputs}, attrs);
  },
  innovation: file => {
    const [window, capacity, span] = integers(file, 'window', 'capacity', 'span');
    expectGolden(innovationScoresOp, file, {span}, ['indices']);
    const scores = file.outputs.get('innovation');
    const indices = file.outputs.get('indices');
    if (scores === undefined || indices === undefined) throw new Error('innovation vectors lack a result');
    const attrs = {window, capacity, overlap: false, queryOffset: 0, phase: 0};
    const selection = {
      ...file,
      inputs: new Map([['scores', scores]]),
      outputs: new Map([['indices', indices]]),
    };
    expectGolden(innovationSelectOp, selection, attrs);
  },
};

describe('float64 references against golden vectors', () => {
  const files = readdirSync(folder).filter(
    name => name.endsWith('.safetensors') && !name.includes('-layer-'),
  );
  for (const name of files) {
    it(name, () => {
      const prefix = Object.keys(byPrefix).find(candidate => name.startsWith(candidate));
      expect(prefix, 'a known function').to.not.equal(undefined);
      byPrefix[prefix ?? ''](readVectorFile(readFileSync(join(folder, name))));
    });
  }

  it('there are vectors of every kind', () => {
    for (const prefix of Object.keys(byPrefix))
      expect(
        files.some(name => name.startsWith(prefix)),
        prefix,
      ).to.equal(true);
  });
});
