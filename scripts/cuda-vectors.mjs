// Writes what the CUDA harness compares with: inputs, cotangents and float64 results of every test case of every op that
// has a CUDA kernel, and of further cases that reach the kernels' other paths: node scripts/cuda-vectors.mjs OUT.bin
// Needs `npm run build`. The format is read by custom-ops/native/cuda/harness/vectors.cc.

import {createWriteStream, mkdirSync} from 'node:fs';
import {dirname} from 'node:path';

const {opList} = await import('../dist/custom-ops/registry.js');
const {kernelPorts} = await import('../dist/custom-ops/op.js');
const {sampleCase} = await import('../dist/custom-ops/sampling.js');
const {referenceForward, referenceBackward, tolerance} = await import('../dist/custom-ops/parity.js');

const out = process.argv[2];
if (out === undefined) {
  console.error('usage: node scripts/cuda-vectors.mjs OUT.bin');
  process.exit(2);
}

/** Left to TensorFlow's own matrix product. */
const without = new Set(['linear', 'linearTransposed']);
const attention = {window: 8, fading: 'sliding', fadingTokens: 0, queryOffset: 0, firstRow: 0, phase: 0};
const further = {
  selectiveScan: [
    {name: 'several blocks of channels', dims: {B: 2, L: 100, E: 140, N: 16}, attrs: {deltaSoftplus: true}},
    {name: 'N20', dims: {B: 1, L: 70, E: 37, N: 20}, attrs: {deltaSoftplus: true}},
    {name: 'N48', dims: {B: 1, L: 70, E: 40, N: 48}, attrs: {deltaSoftplus: true}},
    {name: 'N100', dims: {B: 1, L: 130, E: 12, N: 100}, attrs: {deltaSoftplus: true}},
    {name: 'long', dims: {B: 1, L: 1000, E: 8, N: 16}, attrs: {deltaSoftplus: true}},
    {name: 'long, uneven', dims: {B: 2, L: 777, E: 5, N: 12}, attrs: {deltaSoftplus: true}},
    {name: 'long, N40', dims: {B: 1, L: 500, E: 9, N: 40}, attrs: {deltaSoftplus: true}},
    {
      name: 'long, bare',
      dims: {B: 2, L: 400, E: 12, N: 16},
      attrs: {deltaSoftplus: false},
      omit: ['D', 'z', 'deltaBias', 'initialState'],
    },
  ],
  memoryAttention: [
    {
      name: 'heads of 128',
      dims: {B: 1, L: 90, M: 90, H: 2, G: 1, Dh: 128, me: 9},
      attrs: {...attention, window: 20},
    },
    {
      name: 'heads of 50',
      dims: {B: 1, L: 90, M: 90, H: 2, G: 1, Dh: 50, me: 9},
      attrs: {...attention, window: 20},
    },
    {
      name: 'several blocks',
      dims: {B: 1, L: 300, M: 300, H: 2, G: 1, Dh: 64, me: 40},
      attrs: {...attention, window: 96},
    },
    {
      name: 'chunk fading, several blocks',
      dims: {B: 1, L: 300, M: 300, H: 2, G: 2, Dh: 32, me: 7},
      attrs: {...attention, window: 50, fading: 'chunk', fadingTokens: 30},
    },
    {
      name: 'stream, several blocks',
      dims: {B: 1, L: 200, M: 350, H: 2, G: 1, Dh: 16, me: 20},
      attrs: {...attention, window: 60, queryOffset: 150, firstRow: 30, phase: 33},
    },
    {
      name: 'full attention, long',
      dims: {B: 1, L: 600, M: 600, H: 1, G: 1, Dh: 64},
      attrs: {...attention, window: 600, fading: 'none'},
      omit: ['kFading', 'vFading', 'positions'],
    },
  ],
  causalConv1d: [{name: 'several segments', dims: {B: 2, L: 150, E: 140, K: 4}, attrs: {activation: 'silu'}}],
  rmsNorm: [
    {name: 'D2048', dims: {B: 1, L: 9, D: 2048}, attrs: {epsilon: 1e-5}},
    {name: 'D512', dims: {B: 2, L: 50, D: 512}, attrs: {epsilon: 1e-5}},
    {name: 'D770', dims: {B: 2, L: 20, D: 770}, attrs: {epsilon: 1e-5}},
    {name: 'D1024', dims: {B: 2, L: 20, D: 1024}, attrs: {epsilon: 1e-5}},
  ],
  crossEntropy: [
    {name: 'V5000', dims: {R: 9, V: 5000}, attrs: {ignoreIndex: -100}},
    {name: 'V3001', dims: {R: 5, V: 3001}, attrs: {ignoreIndex: -100}},
  ],
  embeddingLookup: [
    {name: 'several blocks', dims: {V: 40, D: 150, B: 2, L: 600}, attrs: {}},
    {name: 'several rows a block', dims: {V: 2500, D: 5, B: 1, L: 3000}, attrs: {}},
    {name: 'more tokens of a row than kept', dims: {V: 2, D: 3, B: 1, L: 5000}, attrs: {}},
  ],
  innovationScores: [{name: 'D200', dims: {B: 2, L: 40, D: 200}, attrs: {span: 4}}],
  innovationSelect: [
    {
      name: 'several pieces',
      dims: {B: 2, M: 4000},
      attrs: {window: 1500, capacity: 60, overlap: false, queryOffset: 0, phase: 0},
    },
    {
      name: 'more slots than threads',
      dims: {B: 1, M: 3000},
      attrs: {window: 100, capacity: 700, overlap: true, queryOffset: 0, phase: 0},
    },
  ],
  swiglu: [{name: 'several blocks', dims: {B: 2, L: 40, E: 64}, attrs: {}}],
  sumOfSquares: [],
  adamW: [],
  dropout: [{name: 'several blocks', dims: {B: 2, L: 40, D: 64, S: 2}, attrs: {rate: 0.25, stream: 5}}],
};

mkdirSync(dirname(out), {recursive: true});
const file = createWriteStream(out);
const u32 = value => Buffer.from(Uint32Array.of(value).buffer);
const f64 = values => Buffer.from(Float64Array.from(values).buffer);
const text = value => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
/** Kind 0: absent, 1: float32, 2: int32; then the number of values and the values. */
const array = values => {
  if (values === undefined) return u32(0);
  const data = values instanceof Int32Array ? values : Float32Array.from(values);
  return Buffer.concat([
    u32(values instanceof Int32Array ? 2 : 1),
    u32(data.length),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
};

let entries = 0;
file.write('BMJV');
function write(op, opCase, sample, direction, inputs, results) {
  const kernel = op[direction];
  const ports = kernelPorts(op, direction);
  const scalars = kernel.native.scalars(sample.dims, sample.attrs);
  const most = direction === 'forward' ? tolerance.forward : tolerance.gradient;
  file.write(
    Buffer.concat([
      text(kernel.native.symbol),
      text(opCase.name),
      f64([most]),
      u32(scalars.length),
      f64(scalars),
    ]),
  );
  file.write(u32(ports.inputs.length));
  for (const {name} of ports.inputs) {
    const after = op.inputs[name]?.inPlace ? results[name] : undefined;
    file.write(Buffer.concat([text(name), array(inputs[name]), array(after)]));
  }
  file.write(u32(ports.outputs.length));
  for (const {name} of ports.outputs) file.write(Buffer.concat([text(name), array(results[name])]));
  entries++;
}

for (const op of opList) {
  if (without.has(op.name)) continue;
  const cases = [...op.cases.filter(opCase => opCase.use === 'test'), ...(further[op.name] ?? [])];
  for (const opCase of cases) {
    const sample = sampleCase(op, opCase, 3);
    const results = referenceForward(sample);
    write(op, opCase, sample, 'forward', sample.inputs, results);
    if (op.backward === undefined) continue;
    const gradients = referenceBackward(sample);
    write(op, opCase, sample, 'backward', {...results, ...sample.inputs, ...sample.cotangents}, gradients);
  }
}
file.end(() => console.log(`cuda vectors: ${entries} runs, ${(file.bytesWritten / 2 ** 20).toFixed(1)} MiB`));
