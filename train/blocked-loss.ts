// The output head and its loss block by block, so that the logits of a whole batch are never in memory: the gradient of each
// block is taken while its logits are there, since the cotangent of the loss is known before (as in Liger Kernel's fused linear
// cross-entropy, arXiv 2410.10989). No product is computed twice.

import type {Scalar, Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {
  add,
  argMax,
  cast,
  concat,
  customGrad,
  dispose,
  equal,
  keep,
  mul,
  slice,
  sum,
  tidy,
} from '@tensorflow/tfjs-core';
import {crossEntropy} from '../custom-ops/index.js';
import {valueAndGradients} from '../custom-ops/value-and-gradients.js';
import type {RowBlock} from '../models/row-blocks.js';
import type {TrainableModel} from './trainable.js';

/** What is known of each row without its gradient, [R]. */
export interface RowScores {
  readonly losses: Tensor1D;
  /** 1 where the largest logit is the label's, else 0. */
  readonly right: Tensor1D;
}

/** What a model is asked: its rows [R, D], their labels [R], and how much each row's loss counts [R]. */
export interface AskedRows {
  readonly model: Pick<TrainableModel, 'logits' | 'headWeights'>;
  readonly rows: Tensor2D;
  readonly labels: Tensor1D;
  readonly cotangent: Tensor1D;
}

/** Rows whose largest logit is their label's. */
export function rightRows(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  return cast(equal(argMax<Tensor1D>(logits, 1), labels), 'float32');
}

interface BlockOutcome extends RowScores {
  readonly gradRows: Tensor2D;
  readonly gradWeights: Tensor[];
}

function blockOutcome({model, rows, labels, cotangent}: AskedRows, {begin, size}: RowBlock): BlockOutcome {
  return tidy(() => {
    const own = slice(rows, [begin, 0], [size, rows.shape[1]]);
    const ownLabels = slice(labels, begin, size);
    let right: Tensor1D | undefined;
    const {value, grads} = valueAndGradients<Tensor1D>(
      () => {
        const logits = model.logits(own);
        right = keep(rightRows(logits, ownLabels));
        return crossEntropy(logits, ownLabels, {reduction: 'none'});
      },
      [own, ...model.headWeights()],
      slice(cotangent, begin, size),
    );
    const [gradRows, ...gradWeights] = grads;
    return {losses: value, right: right!, gradRows: gradRows as Tensor2D, gradWeights};
  });
}

/**
 * The sum of the rows' losses, each times its cotangent; differentiable in the rows and the head's weights, not in the
 * cotangent. `scored` is given what else is known of the rows, which is its to dispose.
 */
export function blockedLoss(
  asked: AskedRows,
  blocks: readonly RowBlock[],
  scored: (scores: RowScores) => void,
): Scalar {
  const op = customGrad<Scalar>((...given) => {
    const save = given[given.length - 1] as (tensors: Tensor[]) => void;
    const inputs = {...asked, rows: given[0] as Tensor2D};
    const losses: Tensor1D[] = [];
    const right: Tensor1D[] = [];
    const gradRows: Tensor2D[] = [];
    let gradWeights: Tensor[] = [];
    for (const block of blocks) {
      const own = blockOutcome(inputs, block);
      losses.push(own.losses);
      right.push(own.right);
      gradRows.push(own.gradRows);
      const before = gradWeights;
      gradWeights = own.gradWeights.map((part, i) => (before.length === 0 ? part : add(before[i], part)));
      if (before.length > 0) dispose([...before, ...own.gradWeights]);
    }
    const all = keep(concat(losses));
    scored({losses: all, right: keep(concat(right))});
    dispose(right);
    save([concat(gradRows), ...gradWeights]);
    return {
      value: sum<Scalar>(mul(all, asked.cotangent)),
      gradFunc: (dy: Scalar, saved: Tensor[]) => saved.map(gradient => mul(gradient, dy)),
    };
  });
  return op(asked.rows, ...asked.model.headWeights()) as Scalar;
}
