// Interventions in what is stored: a token is forgotten, kept although others displaced it, or another takes its place.

import {SettingError} from '../../config/schema.js';
import {candidateLimit} from '../../custom-ops/innovation-select/reference.js';
import type {MixerSettings} from '../../layers/index.js';

interface Place {
  /** Position of the token. */
  readonly position: number;
  /** Layers that are changed. Default: all that store tokens. */
  readonly layers?: readonly number[];
}

/**
 * `forget`: wherever the token is stored its slot is empty. `pin`: from when it may be stored until the end it is, in an
 * empty slot or in that of the smallest innovation. `swap`: where the token is stored, the one at `by` lies in its slot, as
 * soon as that may be stored; where that is stored anyhow, the slot is empty.
 */
export type Intervention =
  | ({readonly kind: 'forget' | 'pin'} & Place)
  | ({readonly kind: 'swap'; readonly by: number} & Place);

type Slots = Pick<MixerSettings, 'window' | 'eideticSlots' | 'eideticOverlap'>;

/** One past the last position that may be stored for a chunk. */
export function storableBefore(
  chunk: number,
  length: number,
  {window, eideticOverlap: overlap}: Slots,
): number {
  return candidateLimit(chunk, {queryOffset: 0, phase: 0, window, overlap, M: length});
}

/** Positions stored for each chunk [C, me], -1 where a slot is empty, after the interventions in their order. */
export function intervene(
  stored: Int32Array,
  length: number,
  settings: Slots,
  interventions: readonly Intervention[],
): Int32Array {
  const {eideticSlots} = settings;
  const pinned = new Set(interventions.flatMap(({kind, position}) => (kind === 'pin' ? [position] : [])));
  const changed = stored.slice();
  for (let chunk = 0; chunk * eideticSlots < stored.length; chunk++) {
    const limit = storableBefore(chunk, length, settings);
    const slots = changed.subarray(chunk * eideticSlots, (chunk + 1) * eideticSlots);
    for (const one of interventions) {
      const slot = slots.indexOf(one.position);
      if (one.kind === 'forget' && slot >= 0) slots[slot] = -1;
      if (one.kind === 'swap' && slot >= 0 && one.by < limit)
        slots[slot] = slots.includes(one.by) ? -1 : one.by;
      if (one.kind === 'pin' && slot < 0 && one.position < limit) {
        const empty = slots.indexOf(-1);
        // Slots lie in the order of innovation, largest first.
        const free = empty >= 0 ? empty : slots.findLastIndex(position => !pinned.has(position));
        slots[free] = one.position;
      }
    }
  }
  return changed;
}

/** Those of a layer. */
export function ofLayer(interventions: readonly Intervention[], layer: number): Intervention[] {
  return interventions.filter(({layers}) => layers?.includes(layer) ?? true);
}

/** Errors: SettingError for positions and layers that are not there, and more pins than slots. */
export function checkInterventions(
  interventions: readonly Intervention[],
  length: number,
  mixers: readonly Slots[],
): void {
  const isPosition = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < length;
  const storing = mixers.flatMap(({eideticSlots}, layer) => (eideticSlots > 0 ? [layer] : []));
  for (const one of interventions) {
    const {kind, position, layers = []} = one;
    for (const at of kind === 'swap' ? [position, one.by] : [position])
      if (!isPosition(at))
        throw new SettingError(`${kind}: the position must lie in 0 to ${length - 1}, got ${at}`);
    if (storing.length === 0)
      throw new SettingError(`${kind}: this model stores no tokens word for word (it has no eidetic slots)`);
    const foreign = layers.find(layer => !storing.includes(layer));
    if (foreign !== undefined)
      throw new SettingError(
        `${kind}: the layer must be one that stores tokens (${storing.join(', ')}), got ${foreign}`,
      );
  }
  for (const layer of storing) {
    const {eideticSlots} = mixers[layer];
    const pins = new Set(
      ofLayer(interventions, layer).flatMap(({kind, position}) => (kind === 'pin' ? [position] : [])),
    );
    if (pins.size > eideticSlots)
      throw new SettingError(`pin: layer ${layer} has ${eideticSlots} slots, got ${pins.size} pinned tokens`);
  }
}
