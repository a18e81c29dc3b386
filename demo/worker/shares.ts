// How attention divides between the memories, layer by layer.

import type {LayerMemory} from '../../eval/memory-view.js';
import {meanShares} from '../../eval/memory-view.js';

/**
 * Mean share of attention of each layer on window, fading and eidetic memory, and on storage where it has that, over the
 * second half of a sequence.
 */
export type LayerShares = readonly (readonly number[])[];

export function layerShares(layers: readonly LayerMemory[]): LayerShares {
  return layers.map(layer => {
    const rows = meanShares(layer);
    const late = rows.slice(rows.length >> 1);
    const mean = (memory: number): number =>
      late.reduce((total, row) => total + row[memory], 0) / Math.max(1, late.length);
    return (rows[0] ?? [0, 0, 0]).map((_, memory) => mean(memory));
  });
}
