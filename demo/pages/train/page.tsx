// Train here: a small model learns in the tab, is paused, survives a reload, and is compared with another.

import {useComputed, useSignal} from '@preact/signals';
import {Fragment} from 'preact';
import shakespeare from '../../../data/corpora/tiny-shakespeare/input.txt?url';
import {modelSchema} from '../../../models/config.js';
import {trainSchema} from '../../../train/settings.js';
import {Button} from '../../ui/button.js';
import {Chart} from '../../ui/chart.js';
import {Controls} from '../../ui/controls.js';
import {Failure, Lost} from '../../ui/failure.js';
import {Shares} from '../../ui/shares.js';
import type {KeptModel} from '../../worker/keep.js';
import type {TrainConfig} from '../../worker/recipes.js';
import type {KeptEvent} from '../../worker/train.js';
import {curve} from './curves.js';
import {recipes, shown, withOneSeed} from './recipes.js';
import {useTraining} from './use-training.js';

/** Characters that are taken of the corpus: as many as a small model learns from in minutes. */
const TEXT_LENGTH = 100_000;

/** Where a kept model can be opened, and its files for the command line. */
function KeptFiles({kept: {name, files}}: {readonly kept: KeptModel}) {
  return (
    <p role="status">
      Kept as {name}: every page opens it, first of all the{' '}
      <a href={`#/microscope?${new URLSearchParams({model: name})}`}>microscope</a>. For{' '}
      <code>
        {files.some(file => file.name === 'tokenizer.json')
          ? 'bmojo generate --checkpoint FOLDER'
          : 'bmojo model info FOLDER'}
      </code>{' '}
      put these files into a folder:{' '}
      {files.map(file => (
        <Fragment key={file.name}>
          <a href={URL.createObjectURL(file)} download={file.name}>
            {file.name}
          </a>{' '}
        </Fragment>
      ))}
    </p>
  );
}

export function TrainPage() {
  const config = useSignal<TrainConfig>(recipes.recall);
  const beside = useSignal<string | undefined>(undefined);
  const training = useTraining();
  const {runs, current, device, kept, pace, error, lost} = training;
  const takeShakespeare = (): Promise<void> =>
    training.guarded(async () => {
      const text = (await (await fetch(shakespeare)).text()).slice(0, TEXT_LENGTH);
      config.value = {...config.value, text};
    });
  const run = useComputed(() => runs.value.find(({id}) => id === current.value));
  const other = useComputed(() => runs.value.find(({id}) => id === beside.value));
  const last = <T extends KeptEvent['type']>(type: T) =>
    run.value?.events.filter((event): event is Extract<KeptEvent, {type: T}> => event.type === type).at(-1);
  const compared = [run.value, other.value].flatMap(one =>
    one === undefined ? [] : [{name: one.id, events: one.events}],
  );
  const plots = (['accuracy', 'loss'] as const).flatMap(of => curve(compared, of) ?? []);
  const shares = last('memory')?.shares;
  const sample = last('sample')?.text;
  const isRunning = training.isRunning.value;
  const steps = run.value?.config.train.steps ?? 0;
  const event = last('training')?.event;
  const step = event?.step ?? 0;
  const isFinished = event?.type === 'finished';

  return (
    <>
      <h1>Train here</h1>
      <p>
        A model of this library learns in this tab. Recall: pairs of tokens come first, most of them far
        beyond the window when they are asked for; watch the share of attention on eidetic memory rise when it
        is learned. Text: the next character.
      </p>
      <fieldset>
        <legend>New training</legend>
        <div class="actions" role="radiogroup" aria-label="What is learned">
          {(['recall', 'text'] as const).map(recipe => (
            <label key={recipe}>
              <input
                type="radio"
                name="recipe"
                checked={config.value.recipe === recipe}
                disabled={isRunning}
                onChange={() => {
                  config.value = {
                    ...recipes[recipe],
                    ...(recipe === 'text' ? {text: config.value.text ?? ''} : {}),
                  };
                }}
              />{' '}
              {recipe === 'recall' ? 'recall of pairs' : 'characters of a text'}
            </label>
          ))}
        </div>
        {config.value.recipe === 'text' && (
          <p>
            <label for="text">Text to learn from, at least some thousand characters</label>
            <textarea
              id="text"
              rows={5}
              value={config.value.text}
              disabled={isRunning}
              onInput={event => {
                config.value = {...config.value, text: event.currentTarget.value};
              }}
            />
            <br />
            <Button disabled={isRunning} onPress={() => void takeShakespeare()}>
              Take some of Shakespeare
            </Button>
          </p>
        )}
        <details>
          <summary>Settings</summary>
          <Controls
            schema={modelSchema}
            keys={shown.model}
            values={config.value.model}
            disabled={isRunning}
            onChange={(key, value) => {
              config.value = {...config.value, model: {...config.value.model, [key]: value}};
            }}
          />
          <Controls
            schema={trainSchema}
            keys={shown.train}
            values={config.value.train}
            disabled={isRunning}
            onChange={(key, value) => {
              config.value = {...config.value, train: {...config.value.train, [key]: value}};
            }}
          />
        </details>
        <p class="actions">
          <Button
            class="main"
            disabled={isRunning}
            onPress={() => void training.begin(withOneSeed(config.value))}
          >
            Train
          </Button>
        </p>
      </fieldset>
      <Failure error={error.value} />
      <Lost reason={lost.value} next="A training that was under way goes on from its last checkpoint." />
      {run.value !== undefined && (
        <section aria-labelledby="run-title">
          <h2 id="run-title">{run.value.id}</h2>
          {/* Every fifth step: what is read aloud is where it ends. */}
          <p role="status" aria-live={isRunning ? 'off' : 'polite'}>
            {isRunning ? 'Training' : isFinished ? 'Finished' : 'Paused'} at step {step} of {steps}
            {isFinished && step < steps ? ', good enough' : ''}
            {isRunning && pace.value !== '' ? `, ${pace.value}` : ''}
            {device.value === undefined ? '' : `, on ${device.value.name} (${device.value.backend})`}.
          </p>
          <progress max={isFinished ? step : steps} value={step} aria-label="steps made" />
          {event?.type === 'stopped' && event.reason === 'not-finite' && (
            <p class="failure" role="alert">
              <strong>It came to an end before its time.</strong> {event.message}
            </p>
          )}
          <p class="actions">
            <Button disabled={!isRunning} onPress={training.pause}>
              Pause
            </Button>
            <Button disabled={isRunning || isFinished} onPress={() => void training.resume(run.value!.id)}>
              Resume
            </Button>
            <Button disabled={isRunning} onPress={() => void training.keep(run.value!.id)}>
              Keep as a model
            </Button>
            <Button disabled={isRunning} onPress={() => void training.remove(run.value!.id)}>
              Delete
            </Button>
          </p>
          {kept.value?.name === run.value.id && <KeptFiles kept={kept.value} />}
          <div class="charts">
            {plots.map(plot => (
              <Chart key={plot.title} plot={plot} />
            ))}
          </div>
          {shares !== undefined && <Shares layers={shares} />}
          {sample !== undefined && <blockquote class="sample">{sample}</blockquote>}
        </section>
      )}
      {runs.value.length > 1 && (
        <section aria-labelledby="kept-title">
          <h2 id="kept-title">Kept in this browser</h2>
          <p class="actions">
            <label for="shown-run">Shown</label>
            <select
              id="shown-run"
              disabled={isRunning}
              value={current.value}
              onChange={event => {
                current.value = event.currentTarget.value;
              }}
            >
              {runs.value.map(({id}) => (
                <option key={id}>{id}</option>
              ))}
            </select>
            <label for="beside-run">beside</label>
            <select
              id="beside-run"
              value={beside.value ?? ''}
              onChange={event => {
                beside.value = event.currentTarget.value || undefined;
              }}
            >
              <option value="">nothing</option>
              {runs.value
                .filter(({id}) => id !== current.value)
                .map(({id}) => (
                  <option key={id}>{id}</option>
                ))}
            </select>
          </p>
        </section>
      )}
    </>
  );
}
