// The page's state: the view that the address holds, what the worker sees of it, and how one follows the other.

import type {Signal} from '@preact/signals';
import {batch, useSignal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import type {ModelProgress} from '../../../models/index.js';
import type {Client} from '../../client.js';
import {WorkerError} from '../../client.js';
import {useWorker} from '../../ui/use-worker.js';
import type {Attended, Looked} from '../../worker/inspect.js';
import type {ListedModel} from '../../worker/models.js';
import type {TwinAnswers} from '../../worker/twins.js';
import type {View} from './link.js';
import {formatView, parseView, saysSource, sourceFor} from './link.js';

export interface Microscope {
  readonly view: Signal<View>;
  /** Undefined until they are listed. */
  readonly models: Signal<readonly ListedModel[] | undefined>;
  readonly looked: Signal<Looked | undefined>;
  /** What the chosen token reads, or the one before it while that is asked: always of what was looked at. */
  readonly attended: Signal<Attended | undefined>;
  readonly twins: Signal<readonly TwinAnswers[]>;
  readonly progress: Signal<ModelProgress | undefined>;
  /** Of the look that is under way, above 0 and at most 1. */
  readonly share: Signal<number | undefined>;
  readonly error: Signal<Error | undefined>;
  /** Why the GPU was lost, where it was. */
  readonly lost: Signal<string | undefined>;
  readonly busy: Signal<boolean>;
  /** Whether the view is not what is seen, because the look at it was stopped. */
  readonly stopped: Signal<boolean>;
  /** Changes the view; the address, and what is seen, follow, and the browser's Back leads to what was seen before. */
  show(changes: Partial<View>): void;
  /** Another model, unchanged; it reads what the last one read, where it can. */
  choose(model: string): void;
  askTwins(): Promise<void>;
  /** Ends the look that is under way. */
  stop(): void;
  /** Looks at the view again. */
  again(): void;
}

/** The chosen token, among those that there are. */
export function tokenOf({at}: View, {queries, pieces}: Looked): number {
  return Math.min(at ?? queries[0]?.position ?? pieces.length - 1, pieces.length - 1);
}

export function layerOf({layer}: View, {before}: Looked): number {
  return Math.min(layer, before.layers.length - 1);
}

export function useMicroscope(): Microscope {
  const {error, lost, guarded} = useWorker(() => {
    // Everything is looked at again: the worker has forgotten it.
    held.current = undefined;
    void look();
  });
  const view = useSignal<View>(parseView(location.hash));
  const models = useSignal<readonly ListedModel[] | undefined>(undefined);
  const looked = useSignal<Looked | undefined>(undefined);
  const attended = useSignal<Attended | undefined>(undefined);
  const twins = useSignal<readonly TwinAnswers[]>([]);
  const progress = useSignal<ModelProgress | undefined>(undefined);
  const share = useSignal<number | undefined>(undefined);
  const busy = useSignal(false);
  const stopped = useSignal(false);
  /** Ends what is asked of the worker for a view that is there no more. */
  const current = useRef(new AbortController());
  /** What the worker saw last, of which it tells what tokens read: not what is shown where a look was stopped behind that. */
  const held = useRef<Looked | undefined>(undefined);
  /** Whether what is shown is what the view says: not while that is looked at, nor where it was stopped or refused. */
  const isSeen = useRef(false);
  /** Ends the question to the other models: what they say to a sequence that is gone is not shown beside the next. */
  const asked = useRef<AbortController | undefined>(undefined);

  const begin = (): AbortSignal => {
    current.current.abort();
    current.current = new AbortController();
    return current.current.signal;
  };

  /** What the chosen token reads; where another is chosen while this is asked, what that one reads. */
  const attend = async (client: Client, seen: Looked, signal: AbortSignal): Promise<Attended> => {
    const place = () => ({layer: layerOf(view.value, seen), position: tokenOf(view.value, seen)});
    const result = await client.call('attend', place(), {signal});
    const {layer, position} = place();
    return layer === result.layer && position === result.position ? result : attend(client, seen, signal);
  };

  const settle = (): void => {
    progress.value = undefined;
    share.value = undefined;
    busy.value = false;
  };

  const look = (): Promise<void> => {
    const {model, dtype, source, window, eideticSlots, interventions} = view.value;
    if (model === undefined) return Promise.resolve();
    const signal = begin();
    busy.value = true;
    stopped.value = false;
    isSeen.current = false;
    share.value = undefined;
    const rest = (): void => {
      if (!signal.aborted) settle();
    };
    return guarded(async client => {
      try {
        const seen = await client.call(
          'inspect',
          {model, dtype, source, changes: {window, eideticSlots, interventions}},
          {
            signal,
            onEvent: event => {
              if (signal.aborted) return;
              if (event.type === 'bytes') progress.value = event.progress;
              else share.value = event.share;
            },
          },
        );
        held.current = seen;
        const read = await attend(client, seen, signal);
        if (signal.aborted) return;
        isSeen.current = true;
        // At once: no part of the page shows the memory as it was before beside one that shows it as it is now.
        batch(() => {
          looked.value = seen;
          attended.value = read;
          rest();
        });
      } finally {
        rest();
      }
    });
  };

  const read = (seen: Looked): Promise<void> => {
    const signal = begin();
    return guarded(async client => {
      const result = await attend(client, seen, signal);
      if (!signal.aborted) attended.value = result;
    });
  };

  /** `isNew`: one that a visitor chose, not one that the address or the beginning brings. */
  const show = (changes: Partial<View>, isNew = true): void => {
    const isSameWork = Object.keys(changes).every(key => ['at', 'layer', 'head'].includes(key));
    view.value = {...view.value, ...changes};
    // Back leads to what was looked at before: neither to each token of it, nor to what was never seen, such as half a number.
    const isStep = isNew && !isSameWork && isSeen.current;
    history[isStep ? 'pushState' : 'replaceState'](null, '', formatView(view.value));
    // Who looks already asks for the token that is chosen in the end.
    if (isSameWork && busy.value) return;
    if (isSameWork && looked.value !== undefined && looked.value === held.current) {
      void read(looked.value);
      return;
    }
    if (changes.model !== undefined || changes.dtype !== undefined || changes.source !== undefined) {
      looked.value = undefined;
      attended.value = undefined;
      asked.current?.abort();
      twins.value = [];
    }
    void look();
  };

  const stop = (): void => {
    current.current.abort();
    settle();
    stopped.value = true;
  };

  const readsText = (name: string): boolean =>
    models.value?.find(one => one.name === name)?.readsText ?? false;

  const choose = (model: string): void =>
    show({
      model,
      source: sourceFor(readsText(model), view.value.source),
      ...{at: undefined, interventions: [], window: undefined, eideticSlots: undefined},
    });

  const askTwins = (): Promise<void> =>
    guarded(async client => {
      const {source, model, dtype} = view.value;
      if (source.kind !== 'recall') return;
      const names = (models.value ?? [])
        .map(({name}) => name)
        .filter(name => name === model || name.startsWith('recall-'));
      asked.current?.abort();
      asked.current = new AbortController();
      const {signal} = asked.current;
      twins.value = [];
      await client.call(
        'twins',
        {names, source, dtype},
        {
          signal,
          onEvent: event => {
            if (!signal.aborted) twins.value = [...twins.value, event];
          },
        },
      );
    });

  useEffect(() => {
    void guarded(async client => {
      models.value = await client.call('models', {});
      const wanted = view.value.model;
      const names = models.value.map(({name}) => name);
      const own = names.includes('recall-bmojo') ? 'recall-bmojo' : names[0];
      if (own === undefined) return;
      if (wanted !== undefined && !names.includes(wanted))
        throw new WorkerError({
          name: 'SettingError',
          kind: 'misuse',
          message: `the model ${wanted} of this link is not in this browser: bring it in by Your model, or choose another`,
        });
      const model = wanted ?? own;
      // A link that names a model alone shows what that model reads.
      const source = saysSource(location.hash) ? view.value.source : sourceFor(readsText(model), undefined);
      show({model, source}, false);
    });
    const follow = (): void => {
      const isHere = /^#\/microscope\?/.test(location.hash);
      if (isHere && location.hash !== formatView(view.value)) show(parseView(location.hash), false);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);

  return {
    ...{view, models, looked, attended, twins, progress, share, error, lost, busy, stopped},
    ...{show, choose, askTwins, stop, again: () => void look()},
  };
}
