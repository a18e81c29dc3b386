// The model that the worker holds: one at a time, so that memory is given back when another is opened.

import type {Tokenizer} from '../../data/index.js';
import type {LanguageModel, ModelCard} from '../../models/index.js';
import {asLanguageModel, weightsDigest} from '../../models/index.js';
import type {ChosenModel} from '../storage/chosen-model.js';
import type {TransferOptions} from '../storage/model-store.js';
import {openKept} from '../storage/model-store.js';
import {ensureDevice} from './device.js';

export interface Opened {
  readonly chosen: ChosenModel;
  readonly model: LanguageModel;
  readonly tokenizer?: Tokenizer;
  readonly card?: ModelCard;
  /** Names its weights in saved states and memories; '' where nobody says which they are. */
  readonly weights: string;
}

let held: Opened | undefined;
const closing = new Set<() => void>();

/** `body` runs before the model that is held now is let go. */
export function beforeClosing(body: () => void): void {
  closing.add(body);
}

/** The model that was chosen, opened unless it is held already. Errors: those of `openKept`. */
export async function opened(
  {model: name, dtype}: ChosenModel,
  options: TransferOptions = {},
): Promise<Opened> {
  if (held?.chosen.model === name && held.chosen.dtype === dtype) return held;
  await ensureDevice();
  const {model, ...rest} = await openKept({model: name, dtype}, options);
  // Rounded weights are others than those of the card.
  const weights = dtype === 'float32' ? (rest.card?.weights.sha256 ?? '') : await weightsDigest(model);
  for (const body of closing) body();
  closing.clear();
  held?.model.model.dispose();
  held = {chosen: {model: name, dtype}, model: asLanguageModel(model), weights, ...rest};
  return held;
}
