// Which lanes share the rows of memoryAttention, on plans alone; that the code for wide subgroups is valid WGSL, and right
// where exchanges between eight lanes are emulated.

import {backend} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import {memoryAttentionOp} from '../../custom-ops/memory-attention/definition.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import {chooseTeam, TeamCode, tileRows} from '../../custom-ops/memory-attention/team.wgsl.js';
import type {GpuLimits, Pass} from '../../custom-ops/wgsl/plan.js';
import {renderPass} from '../../custom-ops/wgsl/plan.js';
import {least} from '../support/devices.js';
import {withWideSubgroups} from '../support/emulated-subgroups.js';
import {expectParity} from '../support/kernel-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

/** A whole sequence in float32, all but the window. */
const sliding = {
  fading: 'sliding',
  fadingTokens: 0,
  firstRow: 0,
  queryOffset: 0,
  phase: 0,
  precision: 'float32',
} as const;
const large: GpuLimits = {...least, invocations: 1024, workgroupBytes: 49152, subgroup: 32};

function passes(Dh: number, limits: GpuLimits): readonly Pass[] {
  const request = {
    dims: {B: 1, L: 130, M: 130, H: 4, G: 2, Dh, C: 3, me: 5},
    attrs: {...sliding, window: 64},
    present: new Set(['q', 'k', 'v', 'kFading', 'vFading', 'positions']),
    wanted: new Set<string>(),
    limits,
  } as const;
  return [
    ...memoryAttentionGpu.forward(request).passes,
    ...(memoryAttentionGpu.backward?.(request).passes ?? []),
  ];
}

describe('teams of lanes of memoryAttention on webgpu', () => {
  const team = (vectors: number, kept: number, rows: number, limits: GpuLimits): number[] => {
    const {lanes, rows: owned, batch} = chooseTeam({vectors, kept, rows, batch: 4}, limits);
    return [lanes, owned, batch];
  };

  it('are a lane alone without subgroups, or for narrow heads', () => {
    expect(team(16, 2, 64, least)).to.deep.equal([1, 1, 4]);
    expect(team(4, 2, 64, large)).to.deep.equal([1, 1, 4]);
  });

  it('have as many lanes as leave each two vectors, and as many rows as their registers hold', () => {
    expect(team(16, 2, 64, large)).to.deep.equal([8, 4, 4]);
    expect(team(16, 4, 64, large)).to.deep.equal([8, 4, 4]);
    expect(team(32, 4, 64, large)).to.deep.equal([8, 2, 4]);
    expect(team(64, 4, 64, large)).to.deep.equal([8, 1, 8]);
    expect(team(8, 3, 64, large)).to.deep.equal([4, 4, 4]);
    expect(team(16, 2, 64, {...large, subgroup: 4})).to.deep.equal([4, 4, 4]);
  });

  it('have no more rows than there are', () => {
    expect(team(16, 2, 1, large)).to.deep.equal([8, 1, 8]);
  });

  it('stream tiles that fit the least workgroup memory', () => {
    for (const vectors of [1, 8, 16, 32]) {
      for (const limits of [least, {...least, subgroup: 32}]) {
        const code = new TeamCode(chooseTeam({vectors, kept: 2, rows: 64, batch: 4}, limits), vectors);
        const rows = tileRows(code, {tiles: 2, words: 2}, limits);
        expect(rows * (2 * 16 * code.width + 8)).to.be.at.most(16384);
        expect(rows % code.team.batch).to.equal(0);
      }
    }
  });

  it('say that they use subgroups, and only then', () => {
    expect(passes(64, large).some(pass => pass.subgroups)).to.equal(true);
    for (const pass of passes(64, least)) expect(pass.subgroups).to.equal(undefined);
  });

  describe('as code for wide subgroups', function () {
    this.timeout(300_000);
    before(async function () {
      await useWebGPUOrSkip(this);
    });
    for (const Dh of [5, 32, 64, 72, 128]) {
      it(`is valid, Dh ${Dh}`, async () => {
        const {device} = asRecorder(backend());
        for (const pass of passes(Dh, large)) {
          const module = device.createShaderModule({code: renderPass(pass), label: pass.name});
          const {messages} = await module.getCompilationInfo();
          expect(messages.filter(({type}) => type === 'error').map(({message}) => message)).to.deep.equal([]);
        }
      });
    }

    const attrs = {...sliding, window: 9};
    for (const [Dh, L, H, G, me] of [
      [64, 21, 2, 1, 5],
      [72, 11, 1, 1, 2],
    ]) {
      it(`is right, Dh ${Dh}`, () =>
        withWideSubgroups(() =>
          expectParity(
            memoryAttentionOp,
            {name: 'eight lanes', dims: {B: 1, L, M: L, H, G, Dh, me}, attrs, use: 'test'},
            'kernel',
          ),
        ));
    }
  });
});
