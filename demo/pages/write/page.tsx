// Write: a trained model goes on with a text; what it keeps word for word is marked.

import {samplingSchema} from '../../../models/token-sampling.js';
import {bytesText} from '../../ui/bytes.js';
import {Controls} from '../../ui/controls.js';
import {Failure, Lost} from '../../ui/failure.js';
import {ModelChoice} from '../../ui/model-choice.js';
import {Transfer} from '../../ui/transfer.js';
import {Remembered} from './remembered.js';
import {lengthSchema, useWriting} from './use-writing.js';

export function WritePage() {
  const writing = useWriting();
  const {models, chosen, prompt, sampling, maxTokens, written, marks, speed, isEnded} = writing;
  const {memory, conversation, device, progress, error, lost, running, choose, write, save, restore} =
    writing;
  const isRunning = running.value !== undefined;
  const most = Math.max(1, ...marks.value.map(({layers}) => layers));
  return (
    <>
      <h1>Write</h1>
      <p>
        A model of this library goes on with your text, one token at a time, with memory of a fixed size
        (storage, where a model has it, keeps all that left the windows). What its layers keep word for word
        in the end is underlined.
      </p>
      <ModelChoice models={models.value} chosen={chosen.value} disabled={isRunning} onChoose={choose} />
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
          key={chosen.value}
          memory={memory.value}
          conversation={conversation.value}
          disabled={isRunning}
          onChoose={writing.remember}
          onForget={what => void writing.forget(what)}
        />
      )}
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
      <Lost reason={lost.value} next="To go on reads the text again first." />
      <Transfer progress={progress.value} />
      <p role="status">
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
