// Model folders on disk (Node only): read like any other, written so that a kill at any moment leaves one that opens.

import {existsSync} from 'node:fs';
import {cp, mkdir, open, readdir, rename, rm, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {syncFolder, withPath} from '../formats/atomic-file.js';
import type {PretrainedContents, WritePretrainedOptions, WrittenPretrained} from './hugging-face/write.js';
import {writePretrained} from './hugging-face/write.js';
import type {ModelCard} from './model-folder/card.js';
import {copyModel} from './model-folder/copy.js';
import type {ModelSource, ModelStore, Pieces} from './model-folder/source.js';
import type {ModelContents, WriteModelOptions} from './model-folder/write.js';
import {writeModel} from './model-folder/write.js';

const PIECE = 1 << 20;

/** Where a folder lies while another takes its place. */
const asideOf = (path: string): string => `${path}.replaced`;
const draftOf = (path: string): string => `${path}.draft`;

/** The folder that counts: a process that was killed between two renames has left it under its other name. */
function settled(path: string): string {
  return !existsSync(path) && existsSync(asideOf(path)) ? asideOf(path) : path;
}

/** The model folder at a path, for `openModel` and `copyModel`. */
export function modelInFolder(path: string): ModelSource {
  return storeAt(settled(path), path);
}

/** A folder that is filled file by file; `writeModelFolder` is the one that replaces an older model safely. */
export function modelStoreAt(path: string): ModelStore {
  return storeAt(path, path);
}

function storeAt(folder: string, name: string): ModelStore {
  return {
    name,
    size: async path => (await statOf(join(folder, path)))?.size,
    read: async (path, {from = 0} = {}) => {
      const found = await statOf(join(folder, path));
      return found?.isFile() ? filePieces(join(folder, path), from) : undefined;
    },
    write: async (path, pieces, {append = false} = {}) => {
      await mkdir(folder, {recursive: true});
      const file = await open(join(folder, path), append ? 'a' : 'w');
      try {
        for await (const piece of pieces)
          for (let at = 0; at < piece.length; ) at += (await file.write(piece, at)).bytesWritten;
        await file.sync();
      } catch (error) {
        throw withPath(error, join(folder, path));
      } finally {
        await file.close();
      }
    },
  };
}

async function statOf(path: string) {
  return stat(path).catch(error => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

async function* filePieces(path: string, from: number): Pieces {
  const file = await open(path);
  try {
    for (let at = from; ; ) {
      const piece = new Uint8Array(PIECE);
      const {bytesRead} = await file.read(piece, 0, PIECE, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/**
 * Writes a model folder in one step: a draft beside it first, then two renames. What the folder held besides a model, such
 * as notes, is kept. Killed at any moment, `modelInFolder` still finds the old model or the new one.
 * Errors: as of `writeModel`, and the system's; the old model is untouched then.
 */
export function writeModelFolder(
  path: string,
  contents: ModelContents,
  options: WriteModelOptions = {},
): Promise<ModelCard> {
  return inOneStep(path, store => writeModel(store, contents, options));
}

/**
 * Copies a model into a folder in one step, as `writeModelFolder` writes one.
 * Errors: as of `copyModel`, and the system's; an older model there is untouched then.
 */
export function copyModelFolder(source: ModelSource, path: string): Promise<ModelCard> {
  return inOneStep(path, store => copyModel(source, store));
}

/** Writes a folder of the Hub in one step, as `writeModelFolder` writes one of ours. Errors: as of `writePretrained`, and the system's. */
export function writePretrainedFolder(
  path: string,
  contents: PretrainedContents,
  options: WritePretrainedOptions = {},
): Promise<WrittenPretrained> {
  return inOneStep(path, store => writePretrained(store, contents, options));
}

async function inOneStep<T>(path: string, fill: (store: ModelStore) => Promise<T>): Promise<T> {
  const draft = draftOf(path);
  await rm(draft, {recursive: true, force: true});
  await mkdir(draft, {recursive: true});
  try {
    const written = await fill(modelStoreAt(draft));
    await replaceFolder(path, draft);
    return written;
  } catch (error) {
    await rm(draft, {recursive: true, force: true});
    throw error;
  }
}

async function replaceFolder(path: string, draft: string): Promise<void> {
  const aside = asideOf(path);
  if (settled(path) === aside) await rename(aside, path);
  await rm(aside, {recursive: true, force: true});
  if (existsSync(path)) await keepOthers(path, draft);
  syncFolder(draft);
  if (existsSync(path)) await rename(path, aside);
  await rename(draft, path);
  syncFolder(dirname(path));
  await rm(aside, {recursive: true, force: true});
}

/** Files of a model folder of this version and of the one before. */
const OWN = /^(model|card|tokenizer)\.json$|^weights-[\w-]+\.bin$/;

async function keepOthers(path: string, draft: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (!OWN.test(name)) await cp(join(path, name), join(draft, basename(name)), {recursive: true});
  }
}
