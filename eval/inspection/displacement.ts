// By which token a stored token was displaced: the streaming rule of innovationSelect, token by token.

import type {MixerSettings} from '../../layers/index.js';
import type {StoredToken} from '../memory-view.js';
import {storableBefore} from './interventions.js';

type Slots = Pick<MixerSettings, 'window' | 'eideticSlots' | 'eideticOverlap'>;

/** A stored token, and which took its place. */
export interface InspectedToken extends StoredToken {
  /** Position of the token that displaced it; absent while it is stored to the end, and where an intervention emptied its slot. */
  readonly displacedBy?: number;
}

/** For each token that left, the one whose arrival pushed it out, from innovations [L]. */
export function displacements(innovation: readonly number[], settings: Slots): Map<number, number> {
  const {window, eideticSlots} = settings;
  const by = new Map<number, number>();
  const kept: number[] = [];
  let position = 0;
  for (let chunk = 0; chunk * window < innovation.length; chunk++) {
    const limit = storableBefore(chunk, innovation.length, settings);
    for (; position < limit; position++) {
      const score = innovation[position];
      if (!(score >= 0)) continue;
      let place = kept.length;
      while (place > 0 && innovation[kept[place - 1]] < score) place--;
      if (place >= eideticSlots) continue;
      kept.splice(place, 0, position);
      if (kept.length > eideticSlots) by.set(kept.pop() as number, position);
    }
  }
  return by;
}

/** Stored tokens with what displaced each; `put` are the positions that interventions put in the place of others. */
export function withDisplacement(
  stored: readonly StoredToken[],
  natural: ReadonlyMap<number, number>,
  put: ReadonlySet<number>,
  {length, window, eideticOverlap}: Slots & {readonly length: number},
): InspectedToken[] {
  const chunksUntilStored = eideticOverlap ? 1 : 2;
  const arrival = (position: number): number => (Math.floor(position / window) + chunksUntilStored) * window;
  return stored.map(token => {
    const {position, until} = token;
    if (until >= length) return token;
    const by = natural.get(position);
    if (by !== undefined && arrival(by) === until) return {...token, displacedBy: by};
    const arrived = stored.find(one => put.has(one.position) && one.from === until);
    return arrived === undefined ? token : {...token, displacedBy: arrived.position};
  });
}
