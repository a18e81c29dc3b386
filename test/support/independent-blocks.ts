// Attention and Mamba written a second time from plain tf operations, sharing nothing with the project's code:
// what the special cases of the mixer are compared with.

import * as tf from '@tensorflow/tfjs';

export type Weights = Readonly<Record<string, tf.Tensor>>;

function project(x: tf.Tensor3D, w: tf.Tensor): tf.Tensor3D {
  const [batch, length, width] = x.shape;
  return x
    .reshape([batch * length, width])
    .matMul(w as tf.Tensor2D)
    .reshape([batch, length, w.shape[1] as number]);
}

/** Splits channels into heads and puts heads before tokens: [B, L, H*Dh] -> [B, H, L, Dh]. */
function byHead(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, length, width] = x.shape;
  return x.reshape([batch, length, heads, width / heads]).transpose([0, 2, 1, 3]) as tf.Tensor4D;
}

function turn(x: tf.Tensor4D): tf.Tensor4D {
  const [, , length, width] = x.shape;
  const half = width / 2;
  const angle = tf.tensor2d(
    Array.from({length}, (_, t) => Array.from({length: half}, (_, i) => t / 10000 ** (i / half))),
  );
  const [a, b] = tf.split(x, 2, 3);
  const cos = angle.cos();
  const sin = angle.sin();
  return tf.concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], 3) as tf.Tensor4D;
}

/** Softmax attention with a dense mask: query t sees keys (t - window, t]. */
export function denseWindowAttention(
  x: tf.Tensor3D,
  weights: Weights,
  {window, ...heads}: {heads: number; kvHeads: number; window: number},
): tf.Tensor3D {
  return denseAttention(x, weights, {...heads, sees: (t, j) => j <= t && j > t - window});
}

/** The same of the keys that query t `sees`. */
export function denseAttention(
  x: tf.Tensor3D,
  weights: Weights,
  {heads, kvHeads, sees}: {heads: number; kvHeads: number; sees: (t: number, j: number) => boolean},
): tf.Tensor3D {
  const [batch, length, width] = x.shape;
  const share = heads / kvHeads;
  const spread = (k: tf.Tensor4D): tf.Tensor4D => {
    const copies = Array.from({length: share}, () => k.expandDims(2));
    return tf.concat(copies, 2).reshape([batch, heads, length, width / heads]);
  };
  const q = turn(byHead(project(x, weights.q_proj), heads));
  const k = spread(turn(byHead(project(x, weights.k_proj), kvHeads)));
  const v = spread(byHead(project(x, weights.v_proj), kvHeads));
  const mask = tf.tensor2d(
    Array.from({length}, (_, t) => Array.from({length}, (_, j) => (sees(t, j) ? 0 : -1e30))),
  );
  const scores = tf
    .matMul(q, k, false, true)
    .mul((width / heads) ** -0.5)
    .add(mask);
  const mixed = tf.matMul(tf.softmax(scores), v).transpose([0, 2, 1, 3]).reshape([batch, length, width]);
  return project(mixed as tf.Tensor3D, weights.o_proj);
}

/** The Mamba-1 mixer, one token after another. */
export function steppedMamba(x: tf.Tensor3D, weights: Weights, stateSize: number): tf.Tensor3D {
  const [batch, length] = x.shape;
  const inner = weights['ssm.D'].shape[0] as number;
  const rank = weights['ssm.dt_proj'].shape[0] as number;
  const [path, gate] = tf.split(project(x, weights['ssm.in_proj']), 2, 2) as tf.Tensor3D[];
  const taps = weights['ssm.conv_weight'].shape[0] as number;
  const padded = tf.concat([tf.zeros([batch, taps - 1, inner]), path], 1) as tf.Tensor3D;
  const sums = Array.from({length: taps}, (_, i) =>
    padded.slice([0, i, 0], [batch, length, inner]).mul(weights['ssm.conv_weight'].slice([i, 0], [1, inner])),
  );
  const before = tf.addN(sums).add(weights['ssm.conv_bias']);
  const u = before.mul(before.sigmoid()) as tf.Tensor3D;
  const [dt, B, C] = tf.split(
    project(u, weights['ssm.x_proj']),
    [rank, stateSize, stateSize],
    2,
  ) as tf.Tensor3D[];
  const delta = tf.softplus(project(dt, weights['ssm.dt_proj']).add(weights['ssm.dt_bias']));
  const A = weights['ssm.A_log'].exp().neg();
  let state: tf.Tensor = tf.zeros([batch, inner, stateSize]);
  const outputs: tf.Tensor[] = [];
  for (let t = 0; t < length; t++) {
    const at = (s: tf.Tensor): tf.Tensor => s.slice([0, t, 0], [batch, 1, -1]).reshape([batch, -1]);
    const step = at(delta).expandDims(2);
    const write = step.mul(at(B).expandDims(1)).mul(at(u).expandDims(2));
    state = step.mul(A).exp().mul(state).add(write);
    outputs.push(state.mul(at(C).expandDims(1)).sum(2).add(at(u).mul(weights['ssm.D'])));
  }
  const y = tf.stack(outputs, 1).mul(gate.mul(gate.sigmoid())) as tf.Tensor3D;
  return project(y, weights['ssm.out_proj']);
}
