// Training by tf's own compile and fit: the loss and the accuracy that fit our heads, and a refusal of those that do not.
// tf would take a loss of probabilities for logits without a word, and labels [B, L] not at all.

import type {Rank, Scalar, Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {
  argMax,
  cast,
  div,
  equal,
  logicalAnd,
  maximum,
  notEqual,
  reshape,
  scalar,
  sum,
  tidy,
} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {ArgumentError, refuse} from '../custom-ops/check.js';
import {crossEntropy} from '../custom-ops/index.js';
import {wholeNumbers} from '../custom-ops/whole-numbers.js';
import {LinearHead} from './linear-head.js';
import {TiedHead} from './token-embedding.js';

const IGNORED = -100;

/** Labels [B, L] or [B, L, 1] and logits [B, L, V] as [R] and [R, V], R = B L. */
function rows(name: string, labels: Tensor, logits: Tensor): {labels: Tensor1D; logits: Tensor2D} {
  const count = logits.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (labels.size !== count)
    refuse(name, 'labels', `[B, L] or [B, L, 1] for logits [${logits.shape.join(', ')}]`, labels.shape);
  return {
    labels: wholeNumbers(name, 'labels', reshape<Rank.R1>(labels, [count])),
    logits: reshape(logits, [count, logits.shape[logits.rank - 1]]),
  };
}

/**
 * The loss for `model.compile` of models that end with a TiedHead or LinearHead: the mean cross-entropy, in nats, of the
 * labelled tokens.
 *
 * Shapes: labels [B, L] or [B, L, 1] in [0, V), or -100 for a token that costs nothing; logits [B, L, V]; returns a scalar, 0
 * when no token is labelled. Errors: ArgumentError for other shapes or labels that are not whole, and as `crossEntropy`.
 */
export function sparseCrossEntropyFromLogits(labels: Tensor, logits: Tensor): Scalar {
  return tidy(() => {
    const flat = rows('sparseCrossEntropyFromLogits', labels, logits);
    return crossEntropy(flat.logits, flat.labels, {ignoreIndex: IGNORED});
  });
}

/**
 * The metric beside `sparseCrossEntropyFromLogits`: the share of labelled tokens (labels [B, L] or [B, L, 1], not -100) whose
 * logit of [B, L, V] is the largest.
 */
export function tokenAccuracy(labels: Tensor, logits: Tensor): Scalar {
  return tidy(() => {
    const flat = rows('tokenAccuracy', labels, logits);
    const labelled = notEqual(flat.labels, scalar(IGNORED, 'int32'));
    const right = logicalAnd(labelled, equal(argMax(flat.logits, -1), flat.labels));
    const count = sum(cast(labelled, 'float32'));
    return div<Scalar>(sum(cast(right, 'float32')), maximum(count, scalar(1)));
  });
}

/** Losses of tf that take probabilities. */
const ofProbabilities = [
  'sparseCategoricalCrossentropy',
  'categoricalCrossentropy',
  'binaryCrossentropy',
  'kullbackLeiblerDivergence',
];
/** The same as functions. */
const lossFunctions: readonly (readonly [string, unknown])[] = [
  ['categoricalCrossentropy', tfl.metrics.categoricalCrossentropy],
  ['binaryCrossentropy', tfl.metrics.binaryCrossentropy],
];
/** What tf would count from one-hot labels. */
const accuracies = ['accuracy', 'acc', 'categoricalAccuracy', 'crossentropy', 'ce'];

/** A compiled model of tf: the shapes that it checks labels against; none for null. */
interface Compiled {
  feedOutputShapes: (tfl.Shape | null)[];
}

/** Whether the single output of a model is a head's, and then whether it is logits. */
function outputOf(model: tfl.LayersModel): 'logits' | 'probabilities' | undefined {
  const layer = model.outputs.length === 1 ? model.outputs[0].sourceLayer : undefined;
  if (layer instanceof LinearHead) return 'logits';
  if (layer instanceof TiedHead) return layer.isProbability ? 'probabilities' : 'logits';
  return undefined;
}

/** tf takes a list or an object of losses as well, one for each output. */
const onlyLoss = ({loss}: tfl.ModelCompileArgs): unknown =>
  typeof loss === 'object' && loss !== null ? Object.values(loss)[0] : loss;

function checkLoss(output: 'logits' | 'probabilities', args: tfl.ModelCompileArgs): void {
  const {metrics} = args;
  const loss = onlyLoss(args);
  const name = typeof loss === 'string' ? loss : lossFunctions.find(([, given]) => given === loss)?.[0];
  if (output === 'logits' && name !== undefined && ofProbabilities.includes(name))
    throw new ArgumentError(
      'compile',
      'loss',
      'sparseCrossEntropyFromLogits of bmojo, for the head gives logits',
      `'${name}', which takes probabilities`,
    );
  if (loss !== sparseCrossEntropyFromLogits) return;
  if (output === 'probabilities')
    refuse(
      'compile',
      'loss',
      "'sparseCategoricalCrossentropy' for a head with activation 'softmax'",
      'sparseCrossEntropyFromLogits',
    );
  const bad = [metrics].flat().find(metric => typeof metric === 'string' && accuracies.includes(metric));
  if (bad !== undefined)
    refuse('compile', 'metrics', 'tokenAccuracy of bmojo beside sparseCrossEntropyFromLogits', bad);
}

const {compile} = tfl.LayersModel.prototype;

tfl.LayersModel.prototype.compile = function (this: tfl.LayersModel, args: tfl.ModelCompileArgs): void {
  const output = outputOf(this);
  if (output !== undefined) checkLoss(output, args);
  compile.call(this, args);
  const compiled = this as unknown as Compiled;
  // The loss checks the labels itself: tf would have them of the logits' shape.
  if (onlyLoss(args) === sparseCrossEntropyFromLogits)
    compiled.feedOutputShapes = compiled.feedOutputShapes.map(() => null);
};
