// A training in the tab: the library's loop, its checkpoints in the browser's own files, its memory looked at on the way.

import type {LanguageReport, RecallReport} from '../../eval/index.js';
import {memoryView} from '../../eval/index.js';
import {generateText, LanguageModel, LogitsError} from '../../models/index.js';
import type {TrainEvent} from '../../train/index.js';
import {Pace, parseTrainSettings, train as trainLoop} from '../../train/index.js';
import type {Call, Handler} from '../protocol.js';
import {BrowserRun} from '../storage/browser-runs.js';
import type {Device, DeviceBackend} from './device.js';
import {device} from './device.js';
import type {Prepared, TrainConfig} from './recipes.js';
import {prepare} from './recipes.js';
import type {LayerShares} from './shares.js';
import {layerShares} from './shares.js';

export type TabReport = RecallReport | LanguageReport;

export type TrainingEvent =
  | {readonly type: 'device'; readonly device: Device}
  | {readonly type: 'training'; readonly event: TrainEvent<TabReport>; readonly pace: string}
  | {readonly type: 'memory'; readonly step: number; readonly shares: LayerShares}
  | {readonly type: 'sample'; readonly step: number; readonly text: string};

export interface TrainRequest {
  readonly id: string;
  readonly backend: DeviceBackend | 'auto';
  /** Settings of a new run; a run that is kept goes on with its own. */
  readonly config?: TrainConfig;
}

export type TrainCall = Call<TrainRequest, TrainingEvent, {readonly finished: boolean}>;

/** Events that a reload shows again. */
export type KeptEvent = Exclude<TrainingEvent, {type: 'device'}>;

/** A text that the model writes, or why it writes none: what ends a training is its loss, not what it shows on the way. */
async function sampleText(model: LanguageModel, {tokenizer, sample}: Prepared): Promise<string> {
  if (tokenizer === undefined) return '';
  const prompt = tokenizer.decode(sample.subarray(0, 24));
  let text = prompt;
  try {
    for await (const piece of generateText(model, {
      tokenizer,
      prompt,
      maxTokens: 120,
      temperature: 0.8,
      seed: 1,
    }))
      text += piece;
  } catch (error) {
    if (!(error instanceof LogitsError)) throw error;
    text += `(${error.message})`;
  }
  return text;
}

export const train: Handler<'train'> = async ({id, backend, config: given}, {tell, signal}) => {
  tell({type: 'device', device: await device({backend}, {tell: () => {}, signal})});
  const config = given ?? (await (await BrowserRun.open<TrainConfig, KeptEvent>(id)).summary())?.config;
  if (config === undefined) throw new Error(`there is no kept training ${id}`);
  const settings = parseTrainSettings(config.train);
  const prepared = prepare(config, settings.seed);
  const model = LanguageModel.create({...config.model, vocabSize: prepared.vocabSize});
  // Only now is anything kept: what was refused leaves nothing behind.
  const run = await BrowserRun.open<TrainConfig, KeptEvent>(id);
  const resume = await run.load();
  const kept = (await run.events()).filter(event => stepOf(event) <= (resume?.step ?? -1));
  if (given !== undefined) await run.writeConfig(config);
  const pace = new Pace();
  let finished = false;
  const note = (event: KeptEvent): void => {
    kept.push(event);
    tell(event);
  };
  try {
    const events = trainLoop<LanguageModel, TabReport>({
      model,
      task: prepared.workload,
      settings,
      evaluate: () => prepared.evaluate(model),
      enough: ({accuracy}) => settings.stopAccuracy > 0 && accuracy >= settings.stopAccuracy,
      checkpoints: run,
      resume,
      signal,
    });
    for await (const event of events) {
      pace.see(event, performance.now());
      const told: KeptEvent = {type: 'training', event, pace: pace.words};
      if (event.type !== 'step' || event.step % 5 === 0 || event.step === 1) note(told);
      if (event.type === 'evaluated') {
        const {layers} = await memoryView(model, prepared.sample);
        note({type: 'memory', step: event.step, shares: layerShares(layers)});
        const text = await sampleText(model, prepared);
        if (text !== '') note({type: 'sample', step: event.step, text});
      }
      if (event.type === 'checkpoint') await run.writeEvents(kept);
      if (event.type === 'finished') finished = true;
    }
    await run.writeEvents(kept);
    return {finished};
  } finally {
    model.model.dispose();
  }
};

function stepOf(event: KeptEvent): number {
  return event.type === 'training' ? event.event.step : event.step;
}
