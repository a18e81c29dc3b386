// The page's state: the text under way, what the worker holds of it, and what is remembered of others.

import type {Signal} from '@preact/signals';
import {useSignal} from '@preact/signals';
import {useEffect} from 'preact/hooks';
import {integer} from '../../../config/schema.js';
import type {WeightDType} from '../../../formats/weight-dtype.js';
import type {ModelProgress} from '../../../models/index.js';
import type {SamplingSettings} from '../../../models/token-sampling.js';
import {DeviceLostError} from '../../client.js';
import type {ChosenModel} from '../../storage/chosen-model.js';
import {dtypeIn, dtypeParts} from '../../ui/held-as.js';
import {useWorker} from '../../ui/use-worker.js';
import type {Device} from '../../worker/device.js';
import type {MemoryAnswer} from '../../worker/memory.js';
import type {ListedModel} from '../../worker/models.js';
import type {SeenText, WriteEvent} from '../../worker/write.js';
import {packState, unpackState} from './state-file.js';

const defaults: SamplingSettings = {
  temperature: 0.8,
  topK: 0,
  topP: 1,
  repetitionPenalty: 1,
  repetitionSpan: 64,
  seed: 1,
};

const unseen: SeenText = {marks: [], shares: []};

/** What is asked of one push of the button. */
export const lengthSchema = {
  maxTokens: integer(400, 1, 100_000, 'tokens to write at most; go on for more'),
} as const;

/** What is to be forgotten: one conversation, or all. */
export type Forgotten = {readonly conversation: string} | 'all';

export interface Writing {
  readonly models: Signal<readonly ListedModel[]>;
  readonly chosen: Signal<string | undefined>;
  /** How its matrices are held. */
  readonly dtype: Signal<WeightDType>;
  readonly prompt: Signal<string>;
  readonly sampling: Signal<SamplingSettings>;
  readonly maxTokens: Signal<number>;
  readonly written: Signal<string>;
  /** What the memories did with the text, once it is written. */
  readonly seen: Signal<SeenText>;
  readonly speed: Signal<Extract<WriteEvent, {type: 'text'}> | undefined>;
  /** Whether the model has said that its text ends. */
  readonly isEnded: Signal<boolean>;
  readonly memory: Signal<MemoryAnswer | undefined>;
  /** Name under which the text is remembered; none: it is not. */
  readonly conversation: Signal<string | undefined>;
  readonly device: Signal<Device | undefined>;
  readonly progress: Signal<ModelProgress | undefined>;
  readonly error: Signal<Error | undefined>;
  readonly lost: Signal<string | undefined>;
  /** Stops what is written now. */
  readonly running: Signal<AbortController | undefined>;
  /** Another model, or the same held otherwise; by default as the one before it. */
  choose(model: string, dtype?: WeightDType): void;
  remember(conversation: string | undefined): void;
  forget(what: Forgotten): Promise<void>;
  /** Writes a new text, or goes on with the one that there is. */
  write(goOn: boolean): Promise<void>;
  save(): Promise<void>;
  restore(file: File): Promise<void>;
}

export function useWriting(): Writing {
  const models = useSignal<readonly ListedModel[]>([]);
  const chosen = useSignal<string | undefined>(undefined);
  const dtype = useSignal<WeightDType>('float32');
  const prompt = useSignal('ROMEO:\n');
  const sampling = useSignal<SamplingSettings>(defaults);
  const maxTokens = useSignal(lengthSchema.maxTokens.default);
  const written = useSignal('');
  const seen = useSignal(unseen);
  const speed = useSignal<Extract<WriteEvent, {type: 'text'}> | undefined>(undefined);
  const isEnded = useSignal(false);
  const memory = useSignal<MemoryAnswer | undefined>(undefined);
  const conversation = useSignal<string | undefined>(undefined);
  const device = useSignal<Device | undefined>(undefined);
  const progress = useSignal<ModelProgress | undefined>(undefined);
  const running = useSignal<AbortController | undefined>(undefined);
  /** Whether the worker has read the text; where it has not, going on reads it first. */
  const isHeld = useSignal(false);
  const {error, lost, guarded} = useWorker(() => {
    isHeld.value = false;
  });

  const own = (): ChosenModel => ({model: chosen.value ?? '', dtype: dtype.value});

  const list = (forget?: Forgotten): Promise<void> =>
    guarded(async client => {
      if (chosen.value === undefined) return;
      memory.value = await client.call('memory', {...own(), forget});
      if (forget !== undefined) isHeld.value = false;
    });

  const choose = (name: string, held = dtype.value): void => {
    chosen.value = name;
    dtype.value = held;
    const parts = new URLSearchParams({model: name, ...dtypeParts(held)});
    history.replaceState(null, '', `#/write?${parts}`);
    memory.value = undefined;
    conversation.value = undefined;
    isHeld.value = false;
    void list();
  };

  useEffect(() => {
    void guarded(async client => {
      const listed = await client.call('models', {});
      models.value = listed.filter(({readsText}) => readsText);
      const parts = new URLSearchParams(location.hash.split('?')[1]);
      const first = models.value.find(({name}) => name === parts.get('model')) ?? models.value[0];
      if (chosen.value === undefined && first !== undefined) choose(first.name, dtypeIn(parts));
    });
  }, []);

  const see = (event: WriteEvent): void => {
    if (event.type === 'device') device.value = event.device;
    else if (event.type === 'progress') progress.value = event.progress;
    else {
      written.value += event.text;
      speed.value = event;
    }
  };

  const write = (goOn: boolean): Promise<void> =>
    guarded(async client => {
      const stop = new AbortController();
      running.value = stop;
      const before = {written: written.value, seen: seen.value, isEnded: isEnded.value};
      const begun = (goOn ? before.written : '') + prompt.value;
      written.value = begun;
      seen.value = unseen;
      isEnded.value = false;
      try {
        const result = await client.call(
          'write',
          {
            ...own(),
            backend: 'auto',
            prompt: isHeld.value ? prompt.value : begun,
            goOn: goOn && isHeld.value,
            maxTokens: maxTokens.value,
            sampling: sampling.value,
            conversation: conversation.value,
          },
          {signal: stop.signal, onEvent: see},
        );
        seen.value = result;
        isEnded.value = result.isEnded;
        isHeld.value = true;
        prompt.value = '';
        if (conversation.value !== undefined) memory.value = await client.call('memory', own());
      } catch (caught) {
        // What was refused stays to be mended; what was lost on the way is in the text.
        if (caught instanceof DeviceLostError) prompt.value = '';
        else if (written.value === begun) {
          written.value = before.written;
          seen.value = before.seen;
          isEnded.value = before.isEnded;
        }
        throw caught;
      } finally {
        running.value = undefined;
        progress.value = undefined;
      }
    });

  const save = (): Promise<void> =>
    guarded(async client => {
      const {marks: _, shares: __, ...saved} = await client.call('state', own());
      const link = document.createElement('a');
      link.href = URL.createObjectURL(packState({...own(), ...saved}));
      link.download = `${chosen.value}-state.json`;
      link.click();
      URL.revokeObjectURL(link.href);
    });

  const restore = (file: File): Promise<void> =>
    guarded(async client => {
      const {model, dtype: held, ...saved} = unpackState(await file.text());
      // The worker lets go of its text before it has the other: where that is refused, going on reads this page's again.
      isHeld.value = false;
      const result = await client.call('state', {model, dtype: held, restore: saved});
      choose(model, held);
      conversation.value = saved.conversation;
      isHeld.value = true;
      seen.value = result;
      written.value = result.marks.map(({text}) => text).join('');
      prompt.value = '';
    });

  return {
    ...{models, chosen, dtype, prompt, sampling, maxTokens, written, seen, speed, isEnded},
    ...{memory, conversation, device, progress, error, lost, running},
    choose,
    remember: name => {
      conversation.value = name;
      isHeld.value = false;
    },
    forget: list,
    ...{write, save, restore},
  };
}
