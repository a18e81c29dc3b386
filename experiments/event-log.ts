// The curves of a run for TensorBoard, beside metrics.jsonl: `tensorboard --logdir runs`.

import {hostname} from 'node:os';
import {join} from 'node:path';
import {appendFile, writeNewFile} from '../formats/atomic-file.js';
import {fileHeader, scalarEvent, sessionStart, settingsEvent, textEvent} from '../formats/event-file.js';
import type {MetricsLine} from './families/index.js';
import {isLanguageReport} from './families/index.js';
import type {Probe} from './probe.js';
import type {RunConfig} from './run-config.js';
import {settingRow} from './run-settings.js';

/** The numbers of a line by the names under which TensorBoard draws them. */
export function scalarsOf(line: MetricsLine): Record<string, number> {
  const {loss, accuracy, rate, gradientNorm, lossScale, skippedSteps, tokensPerSecond, evaluated} = line;
  const numbers: Record<string, number | undefined> = {
    'train/loss': loss,
    'train/accuracy': accuracy,
    'train/rate': rate,
    'train/gradient_norm': gradientNorm,
    'train/loss_scale': lossScale,
    'train/skipped_steps': skippedSteps,
    'train/tokens_per_second': tokensPerSecond,
    'valid/loss': evaluated?.loss,
    'valid/accuracy': evaluated?.accuracy,
  };
  if (evaluated !== undefined && isLanguageReport(evaluated)) {
    numbers['valid/perplexity'] = evaluated.perplexity;
    numbers['valid/bits_per_byte'] = evaluated.bitsPerByte;
  } else if ((evaluated?.beyondReach?.queries ?? 0) > 0) {
    numbers['valid/accuracy_beyond_windows'] = evaluated?.beyondReach?.accuracy;
  }
  return Object.fromEntries(
    Object.entries(numbers).flatMap(([tag, value]) => (value === undefined ? [] : [[tag, value] as const])),
  );
}

/** A run's settings for TensorBoard's table; where its data lie is not among them. */
function hyperparameters(config: RunConfig): Record<string, string | number> {
  const {task, backend, model} = config;
  const rest = settingRow(config).filter(([name]) => name !== 'data' && name !== 'checksum');
  return {task, model: model.preset, backend, ...Object.fromEntries(rest)};
}

/** One file for each process that works on a run. */
export class EventLog {
  private readonly path: string;

  /** `step`: updates already made by the run of this configuration. */
  constructor(folder: string, config: RunConfig, step: number, now = Date.now()) {
    const seconds = now / 1000;
    const stamp = String(Math.floor(seconds)).padStart(10, '0');
    // TensorBoard reads the files of a folder in the order of their names: of one second, the earlier first.
    const rest = String(Math.floor(now % 1000)).padStart(3, '0');
    this.path = join(folder, `events.out.tfevents.${stamp}.${hostname()}.${process.pid}.${rest}`);
    writeNewFile(
      this.path,
      Buffer.concat([
        fileHeader(seconds),
        sessionStart(seconds, step),
        settingsEvent(seconds, hyperparameters(config)),
      ]),
    );
  }

  add(line: MetricsLine, now = Date.now()): void {
    appendFile(this.path, scalarEvent(now / 1000, line.step, scalarsOf(line)));
  }

  /** What was seen of the model beside an evaluation. */
  show(step: number, {memory, text}: Probe, now = Date.now()): void {
    const seconds = now / 1000;
    appendFile(this.path, scalarEvent(seconds, step, memory));
    // Four spaces: as it is, not as Markdown.
    if (text !== undefined)
      appendFile(this.path, textEvent(seconds, step, 'valid/text', text.replace(/^/gm, '    ')));
  }
}
