// Carries a model folder from one place to another, such as from a server into the browser's storage: checked on the way,
// and gone on with where an earlier attempt ended.

import {startSha256} from '../../formats/sha256/index.js';
import {ModelFormatError} from '../model-format.js';
import type {FileEntry, ModelCard} from './card.js';
import {CARD, parseCard} from './parse-card.js';
import type {ModelSource, ModelStore, TransferOptions} from './source.js';
import {decodeText, joinPieces, ProgressCount, verifiedPieces} from './source.js';

/**
 * Copies a folder with a card, the card last: a store with a card holds a whole model. What the store holds of a file
 * already is kept where it is the same, so that a copy that broke off goes on.
 * Errors: ModelFormatError for a folder without a card or a file that is not as its card says; the signal's reason; what
 * source and store say.
 */
export async function copyModel(
  source: ModelSource,
  store: ModelStore,
  {onProgress, signal}: TransferOptions = {},
): Promise<ModelCard> {
  const pieces = await source.read(CARD, {signal});
  if (pieces === undefined) throw new ModelFormatError(`${source.name} holds no ${CARD}`);
  const bytes = await joinPieces(pieces);
  const where = `${source.name}: ${CARD}`;
  const card = parseCard(where, decodeText(where, bytes));
  const total = card.files.reduce((sum, file) => sum + file.bytes, 0);
  const progress = new ProgressCount(total, onProgress);
  for (const file of card.files) await copyFile(source, store, file, progress, signal);
  await store.write(CARD, [bytes]);
  return card;
}

async function copyFile(
  source: ModelSource,
  store: ModelStore,
  file: FileEntry,
  progress: ProgressCount,
  signal?: AbortSignal,
): Promise<void> {
  const {path, bytes} = file;
  const held = (await store.size(path)) ?? 0;
  const hash = startSha256();
  if (held > 0 && held <= bytes) {
    for await (const piece of (await store.read(path, {signal})) ?? []) hash.add(piece);
    progress.add(path, held);
    try {
      if (held === bytes && hash.hex() === file.sha256) return;
      if (held === bytes) throw new ModelFormatError(`${store.name}: ${path} is another file`);
      await store.write(path, rest(held, hash), {append: true});
      return;
    } catch (error) {
      if (!(error instanceof ModelFormatError)) throw error;
      // What was there belongs to another model.
      progress.add(path, -held);
    }
  }
  await store.write(path, rest(0, startSha256()));

  async function* rest(
    from: number,
    begun: typeof hash,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    let added = 0;
    try {
      for await (const piece of verifiedPieces(source, file, {from, signal, begun})) {
        yield piece;
        // Only what is written is told: who sees it may leave the page.
        added += piece.length;
        progress.add(path, piece.length);
      }
    } catch (error) {
      if (error instanceof ModelFormatError) progress.add(path, -added);
      throw error;
    }
  }
}
