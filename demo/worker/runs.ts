// The trainings kept in this browser: listed, shown again after a reload, deleted.

import type {Call, Handler} from '../protocol.js';
import type {KeptRun} from '../storage/browser-runs.js';
import {BrowserRun, deleteRun, keptRunIds} from '../storage/browser-runs.js';
import type {TrainConfig} from './recipes.js';
import type {KeptEvent} from './train.js';

export interface ShownRun extends KeptRun<TrainConfig> {
  readonly events: readonly KeptEvent[];
}

/** Deletes the run named, if any, then lists those that are kept, oldest first. */
export type RunsCall = Call<{readonly remove?: string}, never, readonly ShownRun[]>;

export const runs: Handler<'runs'> = async ({remove}) => {
  if (remove !== undefined) await deleteRun(remove);
  const shown: ShownRun[] = [];
  for (const id of await keptRunIds()) {
    const run = await BrowserRun.open<TrainConfig, KeptEvent>(id);
    const summary = await run.summary();
    if (summary !== undefined) shown.push({...summary, events: await run.events()});
  }
  return shown;
};
