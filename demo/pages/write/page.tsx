// Write: a trained model goes on with a text; what it keeps word for word is marked.

import {useSignal} from '@preact/signals';
import {useEffect} from 'preact/hooks';
import {integer} from '../../../config/schema.js';
import type {ModelProgress} from '../../../models/index.js';
import type {SamplingSettings} from '../../../models/token-sampling.js';
import {samplingSchema} from '../../../models/token-sampling.js';
import {bytesText} from '../../ui/bytes.js';
import {Controls} from '../../ui/controls.js';
import {Failure} from '../../ui/failure.js';
import {ModelChoice} from '../../ui/model-choice.js';
import {Transfer} from '../../ui/transfer.js';
import {useWorker} from '../../ui/use-worker.js';
import type {Device} from '../../worker/device.js';
import type {ListedModel} from '../../worker/models.js';
import type {Mark, WriteEvent} from '../../worker/write.js';
import {packState, unpackState} from './state-file.js';

const defaults: SamplingSettings = {
  temperature: 0.8,
  topK: 0,
  topP: 1,
  repetitionPenalty: 1,
  repetitionSpan: 64,
  seed: 1,
};

/** What is asked of one push of the button. */
const lengthSchema = {
  maxTokens: integer(400, 1, 100_000, 'tokens to write at most; go on for more'),
} as const;

export function WritePage() {
  const {error, guarded} = useWorker();
  const models = useSignal<readonly ListedModel[]>([]);
  const chosen = useSignal<string | undefined>(undefined);
  const prompt = useSignal('ROMEO:\n');
  const sampling = useSignal<SamplingSettings>(defaults);
  const maxTokens = useSignal(lengthSchema.maxTokens.default);
  const written = useSignal('');
  const marks = useSignal<readonly Mark[]>([]);
  const device = useSignal<Device | undefined>(undefined);
  const progress = useSignal<ModelProgress | undefined>(undefined);
  const speed = useSignal<Extract<WriteEvent, {type: 'text'}> | undefined>(undefined);
  const running = useSignal<AbortController | undefined>(undefined);

  useEffect(() => {
    void guarded(async client => {
      const listed = await client.call('models', {});
      models.value = listed.filter(({name}) => !name.startsWith('recall-'));
      chosen.value ??= models.value[0]?.name;
    });
  }, []);

  const write = (goOn: boolean): Promise<void> =>
    guarded(async client => {
      const stop = new AbortController();
      running.value = stop;
      if (!goOn) written.value = '';
      marks.value = [];
      written.value += prompt.value;
      try {
        const result = await client.call(
          'write',
          {
            model: chosen.value ?? '',
            backend: 'auto',
            prompt: prompt.value,
            goOn,
            maxTokens: maxTokens.value,
            sampling: sampling.value,
          },
          {
            signal: stop.signal,
            onEvent: event => {
              if (event.type === 'device') device.value = event.device;
              else if (event.type === 'progress') progress.value = event.progress;
              else {
                written.value += event.text;
                speed.value = event;
              }
            },
          },
        );
        marks.value = result.marks;
        prompt.value = '';
      } finally {
        running.value = undefined;
        progress.value = undefined;
      }
    });

  const save = (): Promise<void> =>
    guarded(async client => {
      const {session, tokens} = await client.call('state', {model: chosen.value ?? ''});
      const file = packState({model: chosen.value ?? '', tokens, session});
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = `${chosen.value}-state.json`;
      link.click();
      URL.revokeObjectURL(link.href);
    });

  const restore = (file: File): Promise<void> =>
    guarded(async client => {
      const {model, tokens, session} = unpackState(await file.text());
      chosen.value = model;
      const result = await client.call('state', {model, restore: {session, tokens}});
      marks.value = result.marks;
      written.value = result.marks.map(({text}) => text).join('');
      prompt.value = '';
    });

  const isRunning = running.value !== undefined;
  const most = Math.max(1, ...marks.value.map(({layers}) => layers));
  return (
    <>
      <h1>Write</h1>
      <p>
        A model of this library goes on with your text, one token at a time, with memory that does not grow.
        What its layers keep word for word in the end is underlined.
      </p>
      <ModelChoice
        models={models.value}
        chosen={chosen.value}
        disabled={isRunning}
        onChoose={name => {
          chosen.value = name;
        }}
      />
      <p>
        <label for="prompt">{written.value === '' ? 'Begin with' : 'Add, if you like'}</label>
        <textarea
          id="prompt"
          rows={3}
          value={prompt.value}
          onInput={event => {
            prompt.value = event.currentTarget.value;
          }}
        />
      </p>
      <details>
        <summary>How it chooses</summary>
        <Controls
          schema={samplingSchema}
          keys={['temperature', 'topK', 'topP', 'seed']}
          values={sampling.value}
          disabled={isRunning}
          onChange={(key, value) => {
            sampling.value = {...sampling.value, [key]: value};
          }}
        />
        <Controls
          schema={lengthSchema}
          keys={['maxTokens']}
          values={{maxTokens: maxTokens.value}}
          disabled={isRunning}
          onChange={(_, value) => {
            maxTokens.value = Number(value);
          }}
        />
      </details>
      <p class="actions">
        <button
          class="main"
          type="button"
          disabled={isRunning || chosen.value === undefined}
          onClick={() => void write(false)}
        >
          Write
        </button>
        <button type="button" disabled={!isRunning} onClick={() => running.value?.abort()}>
          Stop
        </button>
        <button type="button" disabled={isRunning || written.value === ''} onClick={() => void write(true)}>
          Go on
        </button>
        <button type="button" disabled={isRunning || written.value === ''} onClick={() => void save()}>
          Save the state
        </button>
        <label class="file">
          Restore a state
          <input
            type="file"
            accept=".json"
            disabled={isRunning}
            onChange={event => {
              const [file] = event.currentTarget.files ?? [];
              if (file !== undefined) void restore(file);
            }}
          />
        </label>
      </p>
      <Failure error={error.value} />
      <Transfer progress={progress.value} />
      <p role="status">
        {speed.value === undefined
          ? ''
          : `${speed.value.tokens} tokens, ${speed.value.tokensPerSecond.toFixed(0)} tokens/s, ${bytesText(speed.value.stateBytes)} of state`}
        {device.value === undefined || speed.value === undefined
          ? ''
          : `, on ${device.value.name} (${device.value.backend})`}
      </p>
      {written.value !== '' && (
        <div class="sample" role="region" aria-label="Text" tabIndex={0}>
          {marks.value.length === 0
            ? written.value
            : marks.value.map(({text, layers}, at) =>
                layers === 0 ? (
                  text
                ) : (
                  <mark
                    key={`${at} ${text}`}
                    style={{'--kept': layers / most}}
                    title={`kept word for word by ${layers} ${layers === 1 ? 'layer' : 'layers'}`}
                  >
                    {text}
                  </mark>
                ),
              )}
        </div>
      )}
    </>
  );
}
