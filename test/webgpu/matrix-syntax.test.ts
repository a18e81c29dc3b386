// Kernels on matrix units are WGSL that Dawn accepts, in both syntaxes: on its device without a GPU, which has every
// extension and computes nothing.

import {expect} from 'chai';
import {findMatrixUnits, matrixFeature} from '../../custom-ops/backends/webgpu/dispatch/matrix-support.js';
import {linearGpu, linearTransposedGpu} from '../../custom-ops/linear/kernel.wgsl.js';
import type {FadingMode} from '../../custom-ops/memory-attention/attributes.js';
import {fadingModes} from '../../custom-ops/memory-attention/attributes.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import {chunkOf, NO_MOST} from '../../custom-ops/ssd-scan/attributes.js';
import {ssdScanOp} from '../../custom-ops/ssd-scan/definition.js';
import {ssdScanGpu} from '../../custom-ops/ssd-scan/kernel.wgsl.js';
import type {MatrixSyntax, MatrixUnit} from '../../custom-ops/wgsl/matrix-units.js';
import {MATRIX_ALIGNMENT} from '../../custom-ops/wgsl/matrix-units.js';
import type {GpuLimits, Pass} from '../../custom-ops/wgsl/plan.js';
import {renderPass} from '../../custom-ops/wgsl/plan.js';
import {nvidia, squareUnit} from '../support/devices.js';
import {unitsOf} from '../support/emulated-matrices.js';

const kinds: [string, MatrixUnit][] = [
  ['16x16x16', squareUnit],
  ['16x8x8', {...squareUnit, columns: 8, inner: 8}],
  ['8x8x8 of float32', {rows: 8, columns: 8, inner: 8, factor: 'f32', sum: 'f32'}],
];
/** Blocks that are whole, and parts of blocks in vectors and in single numbers. */
const sizes: [number, number, number][] = [
  [16384, 768, 3072],
  [500, 772, 84],
  [67, 37, 45],
];

function limitsOf(kind: MatrixUnit, syntax: MatrixSyntax, workgroupBytes: number): GpuLimits {
  return {...nvidia, workgroupBytes, matrixUnits: {...unitsOf([kind]), syntax}};
}

/** Of attention with some kinds of fading; beside fading rows there are stored ones. */
function attentionPasses(limits: GpuLimits, modes: readonly FadingMode[]): Pass[] {
  return modes.flatMap(fading => {
    const rows = fading === 'none' ? [] : ['kFading', 'vFading', 'positions'];
    const request = {
      dims: {B: 2, L: 2048, M: 2048, H: 4, G: 2, Dh: 32, C: 4, me: 64},
      attrs: {
        window: 512,
        fading,
        fadingTokens: fading === 'chunk' ? 300 : 0,
        firstRow: 0,
        queryOffset: 0,
        phase: 0,
        precision: 'float16',
      },
      present: new Set(['q', 'k', 'v', ...rows]),
      wanted: new Set<string>(),
      limits,
    } as const;
    const {forward, backward} = memoryAttentionGpu;
    return [...forward(request).passes, ...(backward?.(request).passes ?? [])].filter(pass => pass.matrices);
  });
}

function passes(kind: MatrixUnit, syntax: MatrixSyntax, workgroupBytes: number): Pass[] {
  const limits = limitsOf(kind, syntax, workgroupBytes);
  return sizes.flatMap(([L, D, E]) =>
    [linearGpu, linearTransposedGpu].flatMap(kernel => {
      const request = {
        dims: {B: 1, L, D, E},
        attrs: {precision: 'float16'},
        present: new Set(['x', 'weight', 'bias']),
        wanted: new Set<string>(),
        limits,
      } as const;
      return [...kernel.forward(request).passes, ...(kernel.backward?.(request).passes ?? [])];
    }),
  );
}

/** Of ssdScan: whole chunks of whole blocks, and parts of both in single numbers. */
function scanPasses(kind: MatrixUnit, syntax: MatrixSyntax): Pass[] {
  const limits = limitsOf(kind, syntax, 32768);
  const chunk = chunkOf({precision: 'float16'});
  return [
    {B: 1, L: 4 * chunk, H: 4, P: 64, G: 1, N: 128},
    {B: 1, L: chunk + 1, H: 4, P: 5, G: 2, N: 7},
  ].flatMap(given => {
    const request = {
      dims: {...given, S: Math.ceil(given.L / chunk), chunk},
      attrs: {deltaLeast: 0, deltaMost: NO_MOST, precision: 'float16'},
      present: new Set(Object.keys(ssdScanOp.inputs)),
      wanted: new Set<string>(),
      limits,
    } as const;
    return [...ssdScanGpu.forward(request).passes, ...(ssdScanGpu.backward?.(request).passes ?? [])];
  });
}

const bytesOf: Readonly<Record<string, number>> = {
  f16: 2,
  f32: 4,
  i32: 4,
  u32: 4,
  vec4u: 16,
  vec4f: 16,
  'vec4<f16>': 8,
  'vec4<f32>': 16,
};

/** Variables of workgroup memory are as long as the alignment wants, so that the next one is aligned, and so are lines. */
function expectAligned({name, code}: Pass): void {
  const variables = [...code.matchAll(/var<workgroup> (\w+): (?:array<([\w<>]+), (\d+)>|([\w<>]+));/g)];
  expect(variables.length, name).to.equal([...code.matchAll(/var<workgroup>/g)].length);
  for (const [, variable, element, count, type] of variables) {
    const unit = bytesOf[element ?? type];
    expect((unit * Number(count ?? 1)) % MATRIX_ALIGNMENT, `${name}: ${variable}`).to.equal(0);
    const calls = [...code.matchAll(new RegExp(`subgroupMatrix[^(]*\\(&${variable}, .*?, (\\d+)u\\);`, 'g'))];
    for (const [call, stride] of calls)
      expect((unit * Number(stride)) % MATRIX_ALIGNMENT, `${name}: ${call}`).to.equal(0);
  }
}

describe('WGSL of matrix units', function () {
  this.timeout(300_000);
  /** Held: Dawn does not survive that it is collected before its devices. */
  let gpu: GPU | undefined;
  let device: GPUDevice | undefined;

  before(async function () {
    try {
      const {create, globals} = await import('webgpu');
      Object.assign(globalThis, globals);
      gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
      const adapter = await gpu.requestAdapter();
      if (adapter === null) throw new Error('Dawn has no null adapter');
      device = await adapter.requestDevice({requiredFeatures: ['shader-f16', 'subgroups', matrixFeature]});
    } catch (error) {
      if (process.env.CI === 'true') throw error;
      console.warn(`\nWGSL OF MATRIX UNITS WAS NOT CHECKED: ${(error as Error).message}\n`);
    }
    if (device === undefined) this.skip();
  });
  after(() => device?.destroy());

  const faults = async (code: string): Promise<string[]> => {
    device?.pushErrorScope('validation');
    const {messages} = (await device?.createShaderModule({code}).getCompilationInfo()) ?? {messages: []};
    await device?.popErrorScope();
    return messages.filter(({type}) => type === 'error').map(({message}) => message);
  };

  for (const [name, kind] of kinds) {
    it(`is valid: ${name}`, async () => {
      const own = [49152, 32768].flatMap(bytes => passes(kind, 'layout', bytes));
      const inMatrices = own.filter(pass => pass.matrices);
      expect(inMatrices.length).to.equal(2 * 2 * 3 * sizes.length);
      for (const pass of inMatrices) expect(await faults(renderPass(pass)), pass.name).to.deep.equal([]);
    });
  }

  for (const syntax of ['layout', 'flag'] as const) {
    for (const [name, kind] of kinds) {
      // Dawn prints for each matrix of the older syntax that it is going to end.
      if (syntax === 'flag' && kind !== squareUnit) continue;
      it(`is valid for attention: ${name}${syntax === 'flag' ? ' in the older syntax' : ''}`, async () => {
        const modes = syntax === 'flag' ? (['none'] as const) : fadingModes;
        const own = attentionPasses(limitsOf(kind, syntax, 32768), modes);
        // Forward, queries and window of each, and what makes their factors; fading and stored of two.
        expect(own.length).to.equal(syntax === 'flag' ? 3 + 3 : 3 * (3 + 3) + 2 * 2);
        for (const pass of own) expect(await faults(renderPass(pass)), pass.name).to.deep.equal([]);
      });
    }
  }

  for (const [name, kind] of kinds) {
    it(`is valid of ssdScan: ${name}`, async () => {
      const inMatrices = scanPasses(kind, 'layout').filter(pass => pass.matrices);
      expect(inMatrices.length).to.equal(2 * 7);
      for (const pass of inMatrices) expect(await faults(renderPass(pass)), pass.name).to.deep.equal([]);
    });
  }

  it('keeps what matrices are read from aligned, wherever a driver places it', () => {
    for (const [, kind] of kinds)
      for (const syntax of ['layout', 'flag'] as const) {
        const limits = limitsOf(kind, syntax, 49152);
        const all = [
          ...passes(kind, syntax, 49152),
          ...attentionPasses(limits, fadingModes),
          ...scanPasses(kind, syntax),
        ];
        for (const pass of all) if (pass.matrices) expectAligned(pass);
      }
  });

  it('is valid in the older syntax', async () => {
    // Few matrices: Dawn prints for each that this syntax is going to end.
    const large: MatrixUnit = {rows: 32, columns: 32, inner: 32, factor: 'f16', sum: 'f32'};
    const names = new Set<string>();
    for (const pass of passes(large, 'flag', 49152)) {
      const kind = `${pass.name} ${pass.code.includes('results')}`;
      if (!pass.matrices || names.has(kind)) continue;
      names.add(kind);
      expect(await faults(renderPass(pass)), kind).to.deep.equal([]);
    }
    expect(names.size, 'the bias goes through workgroup memory').to.equal(5);
    const scan = new Map(
      scanPasses({...large, inner: 16}, 'flag').flatMap(pass => (pass.matrices ? [[pass.name, pass]] : [])),
    );
    expect(scan.size).to.equal(7);
    for (const [pass, code] of scan) expect(await faults(renderPass(code)), pass).to.deep.equal([]);
  });

  it('is taken in the newer syntax where a device has both', async () => {
    const info = {subgroupMinSize: 32, subgroupMaxSize: 32};
    const config = {componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16};
    const found = await findMatrixUnits(device!, {
      ...(device!.adapterInfo as GPUAdapterInfo),
      ...info,
      subgroupMatrixConfigs: [config],
    });
    expect(found).to.deep.equal({kinds: [squareUnit], syntax: 'layout', lanes: 32});
  });

  it('is not asked of a device whose subgroups differ in size', async () => {
    const info = {subgroupMinSize: 8, subgroupMaxSize: 32, subgroupMatrixConfigs: []};
    expect(await findMatrixUnits(device!, {...(device!.adapterInfo as GPUAdapterInfo), ...info})).to.equal(
      undefined,
    );
  });
});
