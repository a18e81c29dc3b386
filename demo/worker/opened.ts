// The model that the worker holds: one at a time, so that memory is given back when another is opened.

import type {Tokenizer} from '../../data/index.js';
import type {LanguageModel, ModelCard} from '../../models/index.js';
import {asLanguageModel} from '../../models/index.js';
import type {TransferOptions} from '../storage/model-store.js';
import {openKept} from '../storage/model-store.js';
import {ensureDevice} from './device.js';

export interface Opened {
  readonly name: string;
  readonly model: LanguageModel;
  readonly tokenizer?: Tokenizer;
  readonly card?: ModelCard;
}

let held: Opened | undefined;
const closing = new Set<() => void>();

/** `body` runs before the model that is held now is let go. */
export function beforeClosing(body: () => void): void {
  closing.add(body);
}

/** The model of this name, opened unless it is held already. */
export async function opened(name: string, options: TransferOptions = {}): Promise<Opened> {
  if (held?.name === name) return held;
  await ensureDevice();
  const {model, ...rest} = await openKept(name, options);
  for (const body of closing) body();
  closing.clear();
  held?.model.model.dispose();
  held = {name, model: asLanguageModel(model), ...rest};
  return held;
}
