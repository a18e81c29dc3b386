// What one more token costs far into a text, in time and in memory: for B'MOJO the same everywhere, for full attention
// more with every token.

import {parseSettings} from '../config/schema.js';
import {randomStream} from '../data/random.js';
import type {ModelConfig, PresetName} from '../models/config.js';
import {asLanguageModel} from '../models/create.js';
import {DecodingSession} from '../models/decoding-session.js';
import {drawnModel} from '../models/half-model.js';
import {weightBytesOf} from '../models/held-weights.js';
import {LanguageModel} from '../models/language-model.js';
import type {OpenOptions} from '../models/model-folder/index.js';
import {samplingSchema} from '../models/token-sampling.js';
import type {LinePlot} from '../plot/line-plot.js';
import {median} from './timing.js';

export interface DecodeTiming {
  readonly preset: PresetName;
  /** Tokens before the ones that were timed. */
  readonly position: number;
  /** Median milliseconds of one token. */
  readonly msPerToken: number;
  /** Bytes of memory of the one sequence. */
  readonly stateBytes: number;
  /** Bytes of the weights, which a token reads once: the head reads the table of the embedding. */
  readonly weightBytes: number;
}

export interface DecodeBenchOptions {
  /** Settings of the model of a kind. */
  model(preset: PresetName): Partial<ModelConfig>;
  readonly presets: readonly PresetName[];
  /** Ascending. */
  readonly positions: readonly number[];
  /** Full attention is not timed beyond this position: its cost up to there grows with the square. */
  readonly fullAttentionLimit: number;
  /** Tokens timed at each position. */
  readonly tokens: number;
  /** How the weights lie in memory. Default float32. */
  readonly dtype?: OpenOptions['dtype'];
}

/** Untrained models: the weights' values change no cost. */
export async function* benchDecode(options: DecodeBenchOptions): AsyncGenerator<DecodeTiming, void, void> {
  const {presets, positions, fullAttentionLimit, tokens, dtype = 'float32'} = options;
  const sampling = parseSettings('bench', samplingSchema, {});
  for (const preset of presets) {
    const given = options.model(preset);
    const model =
      dtype === 'float32' ? LanguageModel.create(given) : asLanguageModel(drawnModel(given, dtype));
    const weightBytes = weightBytesOf(model.model);
    const session = new DecodingSession(model, {chunk: 1024});
    const random = randomStream([11, 12], 0);
    for (const position of positions) {
      if (preset === 'transformer' && position > fullAttentionLimit) break;
      const {vocabSize} = model.config;
      const missing = position - session.position;
      await session.read(Int32Array.from({length: Math.max(1, missing)}, () => random.integer(vocabSize)));
      // Where positions lie close, those that were timed before have gone beyond.
      const at = session.position;
      const times: number[] = [];
      for (let token = 0; token < tokens + 4; token++) {
        const started = performance.now();
        await session.write(sampling);
        if (token >= 4) times.push(performance.now() - started);
      }
      yield {preset, position: at, msPerToken: median(times), stateBytes: session.stateBytes, weightBytes};
    }
    session.dispose();
    model.model.dispose();
  }
}

function plotOf(
  timings: readonly DecodeTiming[],
  title: string,
  yLabel: string,
  value: (timing: DecodeTiming) => number,
): LinePlot {
  const presets = [...new Set(timings.map(timing => timing.preset))];
  return {
    title,
    xLabel: 'tokens before this one',
    yLabel,
    xScale: 'log',
    yScale: 'log',
    markers: true,
    series: presets.map(preset => ({
      name: preset,
      points: timings
        .filter(timing => timing.preset === preset)
        .map(timing => [timing.position, value(timing)] as const),
    })),
  };
}

export function decodeTimePlot(timings: readonly DecodeTiming[]): LinePlot {
  return plotOf(timings, 'time of one more token', 'milliseconds a token', timing => timing.msPerToken);
}

export function decodeMemoryPlot(timings: readonly DecodeTiming[]): LinePlot {
  return plotOf(timings, 'memory of one sequence', 'bytes of state', timing => timing.stateBytes);
}
