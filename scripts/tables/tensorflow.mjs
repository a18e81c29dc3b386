// Tables in C++: every kernel.h for WASM, and the operators as TensorFlow is told of them.
import {foldersOf, NOTE, pascal} from './registry.mjs';

export function kernelIncludes(ops) {
  const included = foldersOf(ops).map(folder => `#include "${folder}/kernel.h"\n`);
  return `// ${NOTE}\n// Every operator's C++ kernels in one WASM module.\n${included.join('')}`;
}

export function operatorsHeader(ops) {
  const lines = [
    `// ${NOTE}`,
    '#pragma once',
    '#include <stddef.h>',
    '',
    'namespace bmojo {',
    '',
    `constexpr size_t kRegistered = ${ops.length};`,
    '',
    '}  // namespace bmojo',
    '',
  ];
  return lines.join('\n');
}

const quoted = text => JSON.stringify(text);
const list = items => `{${items.join(', ')}}`;
const kind = ({dtype}) => (dtype === 'int32' ? ', Kind::i32' : '');

function input([name, spec]) {
  const flags = [
    ['kOptional', spec.optional],
    ['kDifferentiable', spec.differentiable],
    ['kInPlace', spec.inPlace],
    ['kHost', spec.onHost],
    ['kForwardOnly', spec.forwardOnly],
  ].flatMap(([flag, isSet]) => (isSet ? [flag] : []));
  return `{${quoted(name)}, ${quoted(spec.shape)}, ${flags.join(' | ') || 'kPlain'}${kind(spec)}}`;
}

const output = ([name, spec]) =>
  `{${quoted(name)}, ${quoted(spec.shape)}, Role::${spec.role}, Kind::${spec.dtype === 'int32' ? 'i32' : 'f32'}${spec.optional ? ', kOptional' : ''}}`;

/** An attribute in the words of TensorFlow's op definitions. */
function attribute([name, spec]) {
  const type =
    spec.type === 'word'
      ? list(spec.words.map(word => `'${word}'`))
      : spec.least === undefined
        ? spec.type
        : `${spec.type} >= ${spec.least}`;
  return `{${quoted(name)}, ${quoted(type)}}`;
}

const cudaKernel = ({native}) => `{${quoted(native.symbol)}, ${list(native.scalars.map(quoted))}}`;

function operator({op, varying}) {
  const fixed = Object.entries(op.attributes).filter(([, spec]) => !spec.varies);
  const [ranged, another] = Object.keys(op.integerRange ?? {});
  if (another !== undefined) throw new Error(`${op.name}: one input with an integerRange is provided for`);
  const outputs = Object.entries(op.outputs).filter(([, {passes}]) => passes === undefined);
  const lines = [
    `op.name = ${quoted(op.name)};`,
    `op.inputs = ${list(Object.entries(op.inputs).map(input))};`,
    `op.outputs = ${list(outputs.map(output))};`,
    `op.attributes = ${list(fixed.map(attribute))};`,
    `op.varying = ${list(varying.names.map(quoted))};`,
    `op.varyingKind = Kind::${varying.type === 'float32' ? 'f32' : 'i32'};`,
    `op.derived = ${list(Object.keys(op.derivedDims ?? {}).map(quoted))};`,
    `op.ranged = ${ranged === undefined ? 'nullptr' : quoted(ranged)};`,
    `op.hasGradient = ${op.backward !== undefined};`,
  ];
  if (!op.composedOnCuda) {
    lines.push(`op.cudaForward = ${cudaKernel(op.forward)};`);
    if (op.backward !== undefined) lines.push(`op.cudaBackward = ${cudaKernel(op.backward)};`);
  }
  lines.push(`implement${pascal(op.name)}(op);`, 'all.push_back(std::move(op));');
  return `  {\n    Operator op;\n${lines.map(line => `    ${line}\n`).join('')}  }\n`;
}

export function operators(ops) {
  const declared = ops.map(({op}) => `void implement${pascal(op.name)}(Operator& op);\n`);
  return (
    `// ${NOTE}\n#include "native/tensorflow/operator.h"\n\nnamespace bmojo {\n\n` +
    `// Each in its folder's op_tf.cc.\n${declared.join('')}\n` +
    'std::vector<Operator> registeredOperators() {\n  std::vector<Operator> all;\n' +
    `${ops.map(operator).join('')}  return all;\n}\n\n}  // namespace bmojo\n`
  );
}

/** What native/tensorflow/binding.gyp includes; paths are relative to the included file. */
export function sources(ops) {
  const paths = foldersOf(ops).map(folder => `    '../../${folder}/op_tf.cc',\n`);
  return `# ${NOTE}\n{\n  'sources': [\n${paths.join('')}  ],\n}\n`;
}
