// Writes what the CUDA harness compares with: inputs, cotangents and float64 results of every test case of every op that
// has a CUDA kernel, and of the `cuda` cases, which reach the kernels' other paths: node scripts/cuda-vectors.mjs OUT.bin
// Needs `npm run build`. The format is read by custom-ops/native/cuda/harness/vectors.cc.

import {createWriteStream, mkdirSync} from 'node:fs';
import {dirname} from 'node:path';

const {opList} = await import('../dist/custom-ops/op-list.js');
const {gradName, kernelPorts} = await import('../dist/custom-ops/op.js');
const {nativeScalars} = await import('../dist/custom-ops/native-numbers.js');
const {sampleCase} = await import('../dist/custom-ops/sampling.js');
const {precisionOf, referenceForward, referenceBackward, tolerances} = await import(
  '../dist/custom-ops/parity.js'
);

const out = process.argv[2];
if (out === undefined) {
  console.error('usage: node scripts/cuda-vectors.mjs OUT.bin');
  process.exit(2);
}

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

/** A sample without the cotangents of some results. */
function without(sample, isLeft) {
  const left = Object.keys(sample.op.outputs).filter(isLeft).map(gradName);
  const kept = Object.entries(sample.cotangents).filter(([name]) => !left.includes(name));
  return {...sample, cotangents: Object.fromEntries(kept)};
}

let entries = 0;
file.write('BMJV');
function write(op, opCase, sample, direction, inputs, results) {
  const kernel = op[direction];
  const ports = kernelPorts(op, direction);
  const scalars = nativeScalars(op, kernel.native, sample.dims, sample.attrs);
  const tolerance = tolerances[precisionOf(sample.attrs)];
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
  if (op.composedOnCuda) continue;
  for (const opCase of op.cases.filter(({use}) => use !== 'bench')) {
    // Kernels do not see the cotangent of an input that is passed on.
    const sample = without(sampleCase(op, opCase, 3), name => op.outputs[name].passes !== undefined);
    const results = referenceForward(sample);
    write(op, opCase, sample, 'forward', sample.inputs, results);
    if (op.backward === undefined) continue;
    const gradientOf = asked => {
      const inputs = {...results, ...asked.inputs, ...asked.cotangents};
      write(op, opCase, asked, 'backward', inputs, referenceBackward(asked));
    };
    gradientOf(sample);
    const alone = without(sample, name => op.outputs[name].optional);
    if (Object.keys(alone.cotangents).length < Object.keys(sample.cotangents).length) gradientOf(alone);
  }
}
file.end(() => console.log(`cuda vectors: ${entries} runs, ${(file.bytesWritten / 2 ** 20).toFixed(1)} MiB`));
