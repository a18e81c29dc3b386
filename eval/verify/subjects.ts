// What a vector file tests, by the start of its name: the public function or layer, called the way the file means.

import type {Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {tidy} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {
  causalConv1d,
  innovationScores,
  innovationSelect,
  memoryAttention,
  selectiveScan,
  ssdScan,
} from '../../custom-ops/index.js';
import {BMojoMixer, MambaMixer} from '../../layers/index.js';

type Tensors = Readonly<Record<string, Tensor>>;
type FileAttributes = Readonly<Record<string, unknown>>;

export interface Call {
  /** Everything that a gradient may be asked for, by the file's names. */
  readonly leaves: Tensors;
  /** Results by the file's names; reads the leaves. */
  run(): Tensors;
  dispose(): void;
}

export interface Subject {
  readonly name: string;
  /** Results in the file that the public function keeps to itself. */
  readonly internal?: readonly string[];
  prepare(inputs: Tensors, attrs: FileAttributes): Call;
}

function count(attrs: FileAttributes, name: string): number {
  const value = attrs[name];
  if (typeof value !== 'number')
    throw new Error(`attribute ${name} must be a number, got ${JSON.stringify(value)}`);
  return value;
}

/** An operator: inputs are the leaves. */
function operator(
  name: string,
  run: (inputs: Tensors, attrs: FileAttributes) => Tensors,
  internal?: string[],
): Subject {
  return {
    name,
    internal,
    prepare: (leaves, attrs) => ({leaves, run: () => run(leaves, attrs), dispose: () => {}}),
  };
}

/** Gives a layer built on h [B, L, D] the file's weights; `prefix` stands before their names in the layer. */
function withWeights(layer: tfl.layers.Layer, inputs: Tensors, prefix: string): Tensors {
  const {h} = inputs;
  tidy(() => {
    layer.apply(h);
  });
  const leaves: Record<string, Tensor> = {h};
  for (const weight of layer.trainableWeights) {
    const name = weight.originalName.slice(weight.originalName.lastIndexOf('/') + 1).replace(prefix, '');
    if (inputs[name] === undefined) throw new Error(`in.${name} is missing`);
    weight.write(inputs[name]);
    leaves[name] = weight.read();
  }
  return leaves;
}

function ssmSizes(weights: Tensors, prefix: string) {
  const size = (name: string, axis: number): number => weights[`${prefix}${name}`].shape[axis] as number;
  return {
    expand: size('in_proj', 1) / 2 / size('in_proj', 0),
    stateSize: size('A_log', 1),
    convWidth: size('conv_weight', 0),
    deltaRank: size('dt_proj', 0),
  };
}

const scan = (inputs: Tensors, attrs: FileAttributes): Tensors => {
  const {u, delta, B, C, z, initialState} = inputs as Record<string, Tensor3D>;
  const {D, deltaBias} = inputs as Record<string, Tensor1D>;
  const options = {deltaSoftplus: attrs.deltaSoftplus === true};
  return selectiveScan({u, delta, A: inputs.A as Tensor2D, B, C, D, z, deltaBias, initialState}, options);
};

const subjects: Readonly<Record<string, Subject>> = {
  'selective-scan': operator('selectiveScan', scan),
  'ssd-scan': operator('ssdScan', inputs => {
    const {x, B, C, initialState} = inputs as Record<string, Tensor4D>;
    const {A, D, deltaBias} = inputs as Record<string, Tensor1D>;
    return ssdScan({x, delta: inputs.delta as Tensor3D, A, B, C, D, deltaBias, initialState});
  }),
  'causal-conv1d': operator('causalConv1d', (inputs, attrs) => {
    const {x, initialState} = inputs as Record<string, Tensor3D>;
    const activation = attrs.activation === 'silu' ? 'silu' : 'none';
    return causalConv1d(
      {x, weight: inputs.weight as Tensor2D, bias: inputs.bias as Tensor1D, initialState},
      {activation},
    );
  }),
  innovation: operator('innovationScores and innovationSelect', ({y}, attrs) => {
    const innovation = innovationScores(y as Tensor3D, {span: count(attrs, 'span')});
    const options = {window: count(attrs, 'window'), capacity: count(attrs, 'capacity')};
    return {innovation, indices: innovationSelect(innovation, options)};
  }),
  'memory-attention': operator(
    'memoryAttention',
    (inputs, attrs) => {
      const {q, k, v, kFading, vFading} = inputs as Record<string, Tensor4D>;
      const positions = inputs.eidetic as Tensor3D | undefined;
      const fading = kFading === undefined ? 'none' : 'sliding';
      return {
        out: memoryAttention(
          {q, k, v, kFading, vFading, positions},
          {window: count(attrs, 'window'), fading},
        ),
      };
    },
    ['logSumExp'],
  ),
  'mamba-layer': {
    name: 'MambaMixer',
    prepare: inputs => {
      const layer = new MambaMixer(ssmSizes(inputs, ''));
      const leaves = withWeights(layer, inputs, 'ssm.');
      return {leaves, run: () => ({out: layer.apply(inputs.h) as Tensor}), dispose: () => layer.dispose()};
    },
  },
  'bmojo-layer': {
    name: 'BMojoMixer',
    prepare: (inputs, attrs) => {
      const layer = new BMojoMixer({
        ...ssmSizes(inputs, 'ssm.'),
        heads: count(attrs, 'heads'),
        kvHeads: count(attrs, 'kvHeads'),
        headWidth: count(attrs, 'headDim'),
        window: count(attrs, 'window'),
        eideticSlots: count(attrs, 'capacity'),
        innovationSpan: count(attrs, 'span'),
        rotaryBase: count(attrs, 'rope'),
      });
      const leaves = withWeights(layer, inputs, '');
      const run = (): Tensors => {
        const {y, fading, innovation, stored} = layer.analyze(inputs.h as Tensor3D);
        const always: Record<string, Tensor> = {out: y};
        if (fading) always.fading = fading;
        if (innovation) always.innovation = innovation;
        if (stored) always.eidetic = stored;
        return always;
      };
      return {leaves, run, dispose: () => layer.dispose()};
    },
  },
};

export const knownPrefixes: readonly string[] = Object.keys(subjects);

/** The subject of a file by the longest known start of its name. */
export function subjectOf(fileName: string): Subject | undefined {
  const prefix = knownPrefixes
    .filter(candidate => fileName.startsWith(candidate))
    .sort((a, b) => b.length - a.length)[0];
  return prefix === undefined ? undefined : subjects[prefix];
}
