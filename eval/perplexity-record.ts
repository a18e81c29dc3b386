// Loss by prefix length and by position as tables and plots.

import {withOrigin} from '../plot/origin.js';
import type {PerplexityReport} from './perplexity.js';
import type {EvaluationRecord} from './report/record.js';
import {perplexityText} from './table.js';

export interface PerplexityRecordOptions {
  readonly report: PerplexityReport;
  readonly model: string;
  /** The text, in words. */
  readonly text: string;
  /** Tokens of a training sample, memory carried over segments included. */
  readonly trained: number;
  readonly command: string;
  readonly step: number;
}

const SOURCE =
  "this project's own measures on long documents; PG-19 (Rae et al. 2019, arXiv 1911.05507) defines none by context length";

/** A perplexity report as records for reports: the loss by length of the prefix, and the loss by position. */
export function perplexityRecords({
  report,
  model,
  text,
  trained,
  command,
  step,
}: PerplexityRecordOptions): EvaluationRecord[] {
  const {windows, targets, reference, byPrefix, byPosition} = report;
  const figures = ['loss', 'standard error', 'perplexity', 'bits per byte'];
  const cells = ({
    loss,
    error,
    perplexity,
    bitsPerByte,
  }: (typeof byPrefix)[number] | (typeof byPosition)[number]) => [
    loss.toFixed(4),
    error?.toFixed(4) ?? '-',
    perplexityText(perplexity),
    bitsPerByte.toFixed(4),
  ];
  const change = ({prefix, change: {mean, error}}: (typeof byPrefix)[number]): string => {
    if (prefix === reference) return 'reference';
    const signed = `${mean < 0 ? '' : '+'}${mean.toFixed(4)}`;
    return error === undefined ? signed : `${signed} ± ${error.toFixed(4)}`;
  };
  const common = {command, step, source: SOURCE, data: report};
  const counted = windows === 1 ? 'one window' : `${windows} windows`;
  const marks = [{x: trained, words: `trained at ${trained}`}];
  return [
    {
      ...common,
      name: 'perplexity-by-prefix',
      title: 'loss by length of the prefix',
      definition:
        `The same last ${targets} tokens of ${counted} of ${text}, scored after prefixes of different lengths; the memory starts ` +
        'fresh with each prefix. A falling curve uses its past, a flat one does not, a rising one fails beyond what it was trained ' +
        `on. The change is against a prefix of ${reference}, window by window, with its own standard error.`,
      table: [
        ['prefix', ...figures, 'change'],
        ...byPrefix.map(point => [point.prefix, ...cells(point), change(point)]),
      ],
      plot: withOrigin({
        title: `loss of the same ${targets} tokens by length of the prefix`,
        xLabel: 'tokens before the scored ones; whiskers: standard error over windows',
        yLabel: 'loss, nats a token',
        markers: true,
        marks,
        series: [
          {
            name: model,
            errors: byPrefix.map(({error}) => error),
            points: byPrefix.map(({prefix, loss}) => [prefix, loss] as const),
          },
        ],
      }),
    },
    {
      ...common,
      name: 'perplexity-by-position',
      title: 'loss by position',
      definition: `Every token of ${counted} of ${text}, from a fresh memory at each window's start, averaged by position.`,
      table: [
        ['positions', ...figures],
        ...byPosition.map(point => [`${point.from}-${point.to - 1}`, ...cells(point)]),
      ],
      plot: {
        title: 'loss by position in the sequence',
        xLabel: 'position, end of the bucket; whiskers: standard error over windows',
        yLabel: 'loss, nats a token',
        xScale: 'log',
        markers: true,
        marks,
        series: [
          {
            name: model,
            errors: byPosition.map(({error}) => error),
            points: byPosition.map(({to, loss}) => [to, loss] as const),
          },
        ],
      },
    },
  ];
}
