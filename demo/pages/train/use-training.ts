// The page's state: trainings kept in the browser, the one under way, and which of them is shown.

import type {ReadonlySignal, Signal} from '@preact/signals';
import {useComputed, useSignal} from '@preact/signals';
import {useEffect} from 'preact/hooks';
import type {Client} from '../../client.js';
import {DeviceLostError} from '../../client.js';
import type {PageWorker} from '../../ui/use-worker.js';
import {useWorker} from '../../ui/use-worker.js';
import type {Device} from '../../worker/device.js';
import type {KeptModel} from '../../worker/keep.js';
import type {TrainConfig} from '../../worker/recipes.js';
import type {ShownRun} from '../../worker/runs.js';
import type {KeptEvent} from '../../worker/train.js';

export interface Training extends PageWorker {
  /** Kept runs, oldest first, with the one under way as far as it has come. */
  readonly runs: ReadonlySignal<readonly ShownRun[]>;
  /** Id of the run that is shown. */
  readonly current: Signal<string | undefined>;
  readonly isRunning: ReadonlySignal<boolean>;
  readonly device: Signal<Device | undefined>;
  /** Steps a second and the time left, in words; empty before they are known. */
  readonly pace: Signal<string>;
  /** The run that was made a model last. */
  readonly kept: Signal<KeptModel | undefined>;
  /** Trains a new run of these settings. */
  begin(config: TrainConfig): Promise<void>;
  /** Goes on with a kept run from its last checkpoint. */
  resume(id: string): Promise<void>;
  pause(): void;
  remove(id: string): Promise<void>;
  keep(id: string): Promise<void>;
}

/** A name for a new run that nobody has yet. */
function newId(config: TrainConfig): string {
  const stamp = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
  return `${config.recipe}-${config.model.preset}-${stamp}`;
}

export function useTraining(): Training {
  const listed = useSignal<readonly ShownRun[]>([]);
  /** The run under way; a list that was asked for before it began does not know it. */
  const own = useSignal<ShownRun | undefined>(undefined);
  const stop = useSignal<AbortController | undefined>(undefined);
  const current = useSignal<string | undefined>(undefined);
  const device = useSignal<Device | undefined>(undefined);
  const kept = useSignal<KeptModel | undefined>(undefined);
  const pace = useSignal('');
  const {error, lost, guarded} = useWorker();

  const runs = useComputed(() => {
    const now = own.value;
    if (now === undefined) return listed.value;
    const isListed = listed.value.some(({id}) => id === now.id);
    return isListed ? listed.value.map(one => (one.id === now.id ? now : one)) : [...listed.value, now];
  });

  const isThere = (id: string | undefined): boolean => runs.value.some(one => one.id === id);

  const list = async (client: Client, remove?: string): Promise<void> => {
    listed.value = await client.call('runs', {remove});
    if (!isThere(current.value)) current.value = runs.value.at(-1)?.id;
  };

  useEffect(() => {
    void guarded(client => list(client));
  }, []);

  const note = (event: KeptEvent): void => {
    if (own.value === undefined) return;
    own.value = {...own.value, events: [...own.value.events, event]};
    if (event.type === 'training' && event.pace !== '') pace.value = event.pace;
  };

  /** Until it is paused or at its end; where the GPU is lost it goes on from the last checkpoint on what there is then. */
  const train = async (client: Client, run: ShownRun, config?: TrainConfig): Promise<void> => {
    const {signal} = stop.value!;
    own.value = run;
    try {
      await client.call(
        'train',
        {id: run.id, backend: 'auto', config},
        {
          signal,
          onEvent: event => {
            if (event.type === 'device') device.value = event.device;
            else note(event);
          },
        },
      );
    } catch (caught) {
      if (!(caught instanceof DeviceLostError) || signal.aborted) throw caught;
      await list(client);
      const stored = listed.value.find(({id}) => id === run.id);
      await train(client, stored ?? run, stored === undefined ? config : undefined);
    }
  };

  const go = (run: ShownRun, config?: TrainConfig): Promise<void> =>
    guarded(async client => {
      const before = current.value;
      stop.value = new AbortController();
      current.value = run.id;
      pace.value = '';
      try {
        try {
          await train(client, run, config);
        } finally {
          await list(client);
        }
      } finally {
        own.value = undefined;
        stop.value = undefined;
        // Nothing is kept of what was refused.
        if (!isThere(run.id)) current.value = isThere(before) ? before : runs.value.at(-1)?.id;
      }
    });

  return {
    ...{runs, current, device, pace, kept, error, lost, guarded},
    isRunning: useComputed(() => stop.value !== undefined),
    begin: config => go({id: newId(config), config, step: 0, events: []}, config),
    resume: async id => {
      const run = listed.value.find(one => one.id === id);
      if (run !== undefined) await go(run);
    },
    pause: () => stop.value?.abort(),
    remove: id => guarded(client => list(client, id)),
    keep: id =>
      guarded(async client => {
        kept.value = await client.call('keep', {id});
      }),
  };
}
