// Rotation of channel pairs (i, i + Dh/2) in plain loops: the definition (RoFormer, arXiv 2104.09864, halves rotated).

import type {Attributes, Dims, HostArray, HostCall} from '../op.js';

export function forward({inputs: {x, cosSin}, outputs: {y}, dims}: HostCall<Attributes>): void {
  rotate(x, cosSin, y, dims, 1);
}

/** A rotation's transpose is its inverse. */
export function backward({inputs: {cosSin, gradY}, outputs: {gradX}, dims}: HostCall<Attributes>): void {
  rotate(gradY, cosSin, gradX, dims, -1);
}

function rotate(x: HostArray, cosSin: HostArray, y: HostArray, {B, L, H, Dh}: Dims, direction: number): void {
  const half = Dh / 2;
  for (let head = 0; head < B * L * H; head++) {
    const row = Math.floor(head / H) % L;
    for (let i = 0; i < half; i++) {
      const cosine = cosSin[row * Dh + i];
      const sine = direction * cosSin[row * Dh + half + i];
      const first = x[head * Dh + i];
      const second = x[head * Dh + half + i];
      y[head * Dh + i] = first * cosine - second * sine;
      y[head * Dh + half + i] = first * sine + second * cosine;
    }
  }
}
