// Plans keep within the bindings of a device: on this one, and on one with the 8 that WebGPU promises.

import {expect} from 'chai';
import {fitBindings, redirect} from '../../custom-ops/backends/webgpu/dispatch/bindings.js';
import {opList} from '../../custom-ops/op-list.js';
import type {Pass} from '../../custom-ops/wgsl/plan.js';
import {least} from '../support/devices.js';
import {expectParity} from '../support/kernel-laws.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

const limits = {...least, storageBuffers: 3};
const pass: Pass = {
  name: 'sum',
  read: {a: 'f32', b: 'f32', wide: 'vec4f'},
  write: {y: 'f32'},
  workgroups: [1, 1, 1],
  code: 'y[0] = a[i] + b[a[2] + i] + wide[i].x;',
};

describe('buffers joined for devices with few bindings', () => {
  it('redirects every use, also inside another', () => {
    expect(redirect('x = a[a[i] * 2u] + ba[1] + a[j];', 'a', 't', 5)).to.equal(
      'x = t[5u + u32(t[5u + u32(i)] * 2u)] + ba[1] + t[5u + u32(j)];',
    );
  });

  it('joins the smallest of one type, copied just before', () => {
    const words = new Map([
      ['a', 6],
      ['b', 3],
      ['wide', 64],
      ['y', 1],
    ]);
    const plan = fitBindings({passes: [pass]}, words, limits);
    expect(plan.scratch).to.deep.equal({joined0_a: 9});
    expect(plan.passes.map(({name}) => name)).to.deep.equal(['join a', 'join b', 'sum']);
    expect(plan.passes[2].read).to.deep.equal({wide: 'vec4f', joined0_a: 'f32'});
    expect(plan.passes[2].code).to.include('joined0_a[6u + u32(joined0_a[0u + u32(2)] + i)]');
    expect(fitBindings({passes: [pass]}, words, {...limits, storageBuffers: 4}).passes).to.deep.equal([pass]);
    expect(() => fitBindings({passes: [pass]}, words, {...limits, storageBuffers: 2})).to.throw(
      'storage buffers',
    );
  });

  const devices = {
    'that allows 8': {storageBuffers: 8},
    'that allows 8 and has no subgroups': {storageBuffers: 8, subgroup: 0},
    'that has no subgroups': {subgroup: 0},
  };
  const usesSubgroups = {
    selectiveScan: 'L7 N5 E3',
    rmsNorm: 'odd',
    crossEntropy: 'odd',
    innovationScores: 'span 4',
    memoryAttention: 'L63 w7',
    ssdScan: 'one token',
  };
  const bindsMany = {
    selectiveScan: 'L7 N5 E3',
    memoryAttention: 'L7 within the window',
    causalConv1d: 'L37 E12',
  };
  for (const [what, lesser] of Object.entries(devices)) {
    describe(`on a device ${what}`, function () {
      this.timeout(300_000);
      onPoisonedBuffers(lesser);
      const many = 'subgroup' in lesser ? usesSubgroups : bindsMany;
      for (const [name, caseName] of Object.entries(many)) {
        it(`${name} ${caseName}`, async () => {
          const op = opList.find(one => one.name === name)!;
          await expectParity(op, op.cases.find(one => one.name === caseName)!, 'kernel');
        });
      }
    });
  }
});
