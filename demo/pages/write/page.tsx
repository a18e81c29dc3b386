// Write: a trained model goes on with a text; what it keeps word for word is marked.

import {samplingSchema} from '../../../models/token-sampling.js';
import {Button} from '../../ui/button.js';
import {bytesText} from '../../ui/bytes.js';
import {Controls} from '../../ui/controls.js';
import {Failure, Lost} from '../../ui/failure.js';
import {HeldAs} from '../../ui/held-as.js';
import {ModelChoice} from '../../ui/model-choice.js';
import {Shares} from '../../ui/shares.js';
import {Transfer} from '../../ui/transfer.js';
import type {LayerShares} from '../../worker/shares.js';
import {Remembered} from './remembered.js';
import {lengthSchema, useWriting} from './use-writing.js';

/** Characters of a text under way that are in the page: one of a hundred thousand takes tens of megabytes to lay out. */
const MOST_SHOWN = 8192;

/** Where a layer's shares hold the one of storage. */
const STORAGE = 3;

/** How little or much storage counts, to a hundredth of a percent; nothing for a model without it. */
function StorageWords({shares}: {readonly shares: LayerShares}) {
  const own = shares.flatMap(layer => layer[STORAGE] ?? []);
  if (own.length === 0) return null;
  const mean = own.reduce((sum, share) => sum + share, 0) / own.length;
  return (
    <p>
      In the second half of this text storage had {(100 * mean).toFixed(2)} % of the attention of the layers
      that ask it.
    </p>
  );
}

export function WritePage() {
  const writing = useWriting();
  const {models, chosen, dtype, prompt, sampling, maxTokens, written, seen, speed, isEnded} = writing;
  const {memory, conversation, device, progress, error, lost, running, choose, write, save, restore} =
    writing;
  const isRunning = running.value !== undefined;
  // Another text needs a beginning of its own; the first one has it in the field.
  const isUnbegun = written.value !== '' && prompt.value === '';
  const {marks, shares} = seen.value;
  const shownLength =
    marks.length === 0
      ? Math.min(MOST_SHOWN, written.value.length)
      : marks.reduce((sum, {text}) => sum + text.length, 0);
  const most = Math.max(1, ...marks.map(({layers}) => layers));
  return (
    <>
      <h1>Write</h1>
      <p>
        A model of this library goes on with your text, one token at a time, with memory of a fixed size
        (storage, where a model has it, keeps all that left the windows). What its layers keep word for word
        in the end is underlined.
      </p>
      <ModelChoice models={models.value} chosen={chosen.value} disabled={isRunning} onChoose={choose} />
      <HeldAs
        dtype={dtype.value}
        disabled={isRunning}
        onChoose={one => {
          if (chosen.value !== undefined) choose(chosen.value, one);
        }}
      />
      <p>
        <label for="prompt">
          {written.value === '' ? 'Begin with' : 'Add to the text, or begin another with'}
        </label>
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
          values={{...sampling.value}}
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
      {memory.value !== undefined && (
        <Remembered
          key={`${chosen.value} ${dtype.value}`}
          memory={memory.value}
          conversation={conversation.value}
          disabled={isRunning}
          onChoose={writing.remember}
          onForget={what => void writing.forget(what)}
        />
      )}
      <p class="actions">
        <Button
          class={written.value === '' ? 'main' : undefined}
          disabled={isRunning || chosen.value === undefined || isUnbegun}
          onPress={() => void write(false)}
        >
          {written.value === '' ? 'Write' : 'Write another'}
        </Button>
        <Button disabled={!isRunning} onPress={() => running.value?.abort()}>
          Stop
        </Button>
        <Button
          class={written.value === '' ? undefined : 'main'}
          disabled={isRunning || written.value === ''}
          onPress={() => void write(true)}
        >
          Go on
        </Button>
        <Button disabled={isRunning || written.value === ''} onPress={() => void save()}>
          Save the state
        </Button>
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
      <Lost reason={lost.value} next="To go on reads the text again first." />
      <Transfer progress={progress.value} />
      {/* Twenty times a second: what is read aloud is the end of it. */}
      <p role="status" aria-live={isRunning ? 'off' : 'polite'}>
        {speed.value === undefined
          ? ''
          : `${speed.value.tokens} tokens, ${speed.value.tokensPerSecond.toFixed(0)} tokens/s, ${bytesText(speed.value.stateBytes)} of state`}
        {device.value === undefined || speed.value === undefined
          ? ''
          : `, on ${device.value.name} (${device.value.backend})`}
        {isEnded.value && !isRunning ? '. The model has ended its text.' : ''}
      </p>
      {written.value !== '' && (
        <div class="sample" role="region" aria-label="Text" tabIndex={0}>
          {marks.length === 0
            ? written.value.slice(-MOST_SHOWN)
            : marks.map(({text, layers}, at) =>
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
      {written.value.length > shownLength && (
        <p class="note">
          Shown is the end of the text, {shownLength.toLocaleString('en')} of{' '}
          {written.value.length.toLocaleString('en')} characters.
        </p>
      )}
      {shares.length > 0 && (
        <>
          <Shares layers={shares} />
          <StorageWords shares={shares} />
        </>
      )}
    </>
  );
}
