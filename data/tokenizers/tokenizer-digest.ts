// What makes two tokenizers the same: ids mean the same under both. A model meets data through this digest alone.

import {sha256Of} from '../../formats/sha256/index.js';
import type {Tokenizer} from './tokenizer.js';

/** Parts of a tokenizer.json that no token of a text depends on. */
const WITHOUT_EFFECT = new Set(['version', 'truncation', 'padding', 'post_processor']);

/** The same text for the same value, however its keys are ordered. */
function canonical(value: unknown, leaveOut: ReadonlySet<string> = new Set()): string {
  if (Array.isArray(value)) return `[${value.map(one => canonical(one)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([key, one]) => one !== undefined && !leaveOut.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`);
  return `{${entries.join(',')}}`;
}

/** SHA-256, hexadecimal, of a tokenizer's JSON in canonical form: keys in order, no white space. */
export function tokenizerDigest(tokenizer: Tokenizer): string {
  const json = tokenizer.toJSON();
  const form = 'tokenizer' in json ? canonical(json.tokenizer, WITHOUT_EFFECT) : canonical(json);
  return sha256Of(new TextEncoder().encode(form));
}
