// What is seen, as the part of the address behind the #: a link restores it.

import type {Intervention} from '../../../eval/index.js';
import type {WeightDType} from '../../../formats/weight-dtype.js';
import {dtypeIn, dtypeParts} from '../../ui/held-as.js';
import type {SequenceSource} from '../../worker/sequence.js';

export interface View {
  readonly model?: string;
  /** How its matrices are held. */
  readonly dtype: WeightDType;
  readonly source: SequenceSource;
  /** The token that is looked at; the first question, or the last token, where none is chosen. */
  readonly at?: number;
  readonly layer: number;
  /** -1 is the mean of all heads. */
  readonly head: number;
  readonly window?: number;
  readonly eideticSlots?: number;
  readonly interventions: readonly Intervention[];
}

export const recall = {kind: 'recall', seed: 1, length: 64, pairs: 8} as const;

/** What a model of text reads first: several windows long, so that some of it is stored and some displaced. */
export const PASSAGE = `ROMEO:
But, soft! what light through yonder window breaks?
It is the east, and Juliet is the sun.
Arise, fair sun, and kill the envious moon,
Who is already sick and pale with grief,
That thou her maid art far more fair than she:
`;

/** What a model reads that is chosen: what it read before, where it can. */
export function sourceFor(readsText: boolean, before: SequenceSource | undefined): SequenceSource {
  const fits = before !== undefined && (before.kind === 'text') === readsText;
  if (fits) return before;
  return readsText ? {kind: 'text', text: PASSAGE} : recall;
}

/** Whether the address says what is read. */
export const saysSource = (hash: string): boolean => /[?&](text|seed|length|pairs)=/.test(hash);

function interventionText(one: Intervention): string {
  const layers = one.layers === undefined ? '' : `@${one.layers.join('+')}`;
  return `${one.kind}.${one.position}${one.kind === 'swap' ? `.${one.by}` : ''}${layers}`;
}

function parseIntervention(text: string): Intervention[] {
  const found = /^(forget|pin|swap)\.(\d+)(?:\.(\d+))?(?:@(\d+(?:\+\d+)*))?$/.exec(text);
  if (found === null) return [];
  const [, kind, position, by, at] = found;
  const place = {
    position: Number(position),
    ...(at === undefined ? {} : {layers: at.split('+').map(Number)}),
  };
  if (kind === 'swap') return by === undefined ? [] : [{kind, by: Number(by), ...place}];
  return [{kind: kind === 'pin' ? 'pin' : 'forget', ...place}];
}

/** The part of the address behind the #. */
export function formatView({
  model,
  dtype,
  source,
  at,
  layer,
  head,
  window,
  eideticSlots,
  interventions,
}: View): string {
  const parts = new URLSearchParams();
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) parts.set(name, String(value));
  };
  set('model', model);
  set('dtype', dtypeParts(dtype).dtype);
  if (source.kind === 'text') set('text', source.text);
  else for (const name of ['seed', 'length', 'pairs'] as const) set(name, source[name]);
  set('at', at);
  set('layer', layer);
  if (head >= 0) set('head', head);
  set('window', window);
  set('slots', eideticSlots);
  if (interventions.length > 0) set('do', interventions.map(interventionText).join('_'));
  return `#/microscope?${parts}`;
}

/** What `formatView` wrote; what is missing or no number is as in the beginning. */
export function parseView(hash: string): View {
  const parts = new URLSearchParams(hash.split('?').slice(1).join('?'));
  const whole = (name: string): number | undefined => {
    const value = parts.get(name);
    return value !== null && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  const text = parts.get('text');
  return {
    model: parts.get('model') ?? undefined,
    dtype: dtypeIn(parts),
    source:
      text === null
        ? {
            kind: 'recall',
            seed: whole('seed') ?? recall.seed,
            length: whole('length') ?? recall.length,
            pairs: whole('pairs') ?? recall.pairs,
          }
        : {kind: 'text', text},
    at: whole('at'),
    layer: whole('layer') ?? 0,
    head: whole('head') ?? -1,
    window: whole('window'),
    eideticSlots: whole('slots'),
    interventions: (parts.get('do') ?? '').split('_').flatMap(parseIntervention),
  };
}
