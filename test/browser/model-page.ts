// Runs in the browser's page: a model folder from an address, from chosen files, in the private file system, and back out.

import * as tfl from '@tensorflow/tfjs-layers';
import {
  copyModel,
  fromPretrained,
  type ModelProgress,
  type ModelSource,
  modelAtUrl,
  modelHandler,
  modelInDirectory,
  modelInFiles,
  modelInMemory,
  openModel,
  useBackend,
  writeModel,
} from '../../index.js';
import {answers} from '../support/model-folders.js';

export interface Opened {
  /** Logits by the way in which the model was opened. */
  readonly logits: Readonly<Record<string, number[]>>;
  readonly tokens: number[];
  readonly title: string;
  readonly progress: readonly ModelProgress[];
  /** Files of the private file system after the copy. */
  readonly stored: readonly string[];
  /** A folder written in the page, as bytes. */
  readonly written: readonly (readonly [string, number[]])[];
}

declare global {
  interface Window {
    openEverywhere(address: string): Promise<Opened>;
    /** Logits of a folder by our door and by tf's own. */
    openTwice(address: string): Promise<number[][]>;
    refusalOf(address: string): Promise<{name: string; message: string}>;
    /** A folder of the Hub at an address: its logits, and ids of a conversation by its chat template. */
    openPretrained(address: string, said: string): Promise<{logits: number[]; ids: number[]}>;
    /** Copies into the private file system, stopped behind so many bytes; how many are there then. */
    beginCopy(address: string, bytes: number): Promise<number>;
    /** Does the same in a worker without `createWritable`; the logits of what it stored. */
    copyInWorker(address: string): Promise<number[]>;
  }
}

const directory = async (name: string): Promise<FileSystemDirectoryHandle> =>
  (await navigator.storage.getDirectory()).getDirectoryHandle(name, {create: true});

async function answersOf(source: ModelSource | string): Promise<number[]> {
  const {model} = await openModel(source);
  const found = answers(model.model);
  model.model.dispose();
  return found;
}

async function openEverywhere(address: string): Promise<Opened> {
  await useBackend('cpu');
  const logits: Record<string, number[]> = {};
  const progress: ModelProgress[] = [];
  const onProgress = (one: ModelProgress): void => {
    progress.push(one);
    // A connection that breaks takes along what was not read.
    void fetch(`${address}/?read=${one.path}`);
  };
  const {model, tokenizer, card} = await openModel(address, {onProgress});
  logits.openModel = answers(model.model);
  logits.loadLayersModel = answers(await tfl.loadLayersModel(`${address}/model.json`));
  logits.modelHandler = answers(await tfl.loadLayersModel(modelHandler(modelAtUrl(address))));
  const stored = await directory('stored');
  await copyModel(modelAtUrl(address), modelInDirectory(stored));
  logits.stored = await answersOf(modelInDirectory(stored));
  const names: string[] = [];
  const files: File[] = [];
  for await (const [name, handle] of stored.entries()) {
    names.push(name);
    files.push(await (handle as FileSystemFileHandle).getFile());
  }
  logits.chosen = await answersOf(modelInFiles(files));
  const memory = modelInMemory();
  await writeModel(memory, {model, tokenizer, title: 'from a page'});
  return {
    logits,
    tokens: [...(tokenizer?.encode('abc') ?? [])],
    title: card?.title ?? '',
    progress,
    stored: names.sort(),
    written: [...memory.files].map(([name, bytes]) => [name, [...bytes]] as const),
  };
}

async function openTwice(address: string): Promise<number[][]> {
  await useBackend('cpu');
  const byTf = await tfl.loadLayersModel(`${address}/model.json`);
  return [await answersOf(address), answers(byTf)];
}

async function refusalOf(address: string): Promise<{name: string; message: string}> {
  await useBackend('cpu');
  const error: unknown = await openModel(address).catch(reason => reason);
  return error instanceof Error ? {name: error.name, message: error.message} : {name: '', message: ''};
}

async function openPretrained(address: string, said: string): Promise<{logits: number[]; ids: number[]}> {
  await useBackend('cpu');
  const {model, tokenizer, chatTemplate} = await fromPretrained(address);
  const logits = answers(model.model);
  model.model.dispose();
  const text = chatTemplate?.apply([{role: 'user', content: said}]) ?? '';
  return {logits, ids: [...(tokenizer?.encode(text) ?? [])]};
}

async function beginCopy(address: string, bytes: number): Promise<number> {
  const store = modelInDirectory(await directory('begun'));
  const controller = new AbortController();
  const onProgress = ({loaded}: ModelProgress): void => {
    if (loaded >= bytes) controller.abort(new Error('enough'));
  };
  await copyModel(modelAtUrl(address), store, {signal: controller.signal, onProgress}).catch(() => {});
  const {files} = JSON.parse(await (await fetch(`${address}/card.json`)).text());
  const sizes = await Promise.all(files.map(async ({path}: {path: string}) => (await store.size(path)) ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function copyInWorker(address: string): Promise<number[]> {
  const worker = new Worker('/page.js');
  return new Promise((resolve, reject) => {
    worker.onmessage = async ({data}) => {
      if (data !== 'stored') reject(new Error(data));
      else resolve(await answersOf(modelInDirectory(await directory('worker'))));
    };
    worker.onerror = ({message}) => reject(new Error(message));
    worker.postMessage(address);
  });
}

if (typeof window === 'object') {
  Object.assign(window, {openEverywhere, openTwice, refusalOf, openPretrained, beginCopy, copyInWorker});
} else {
  globalThis.onmessage = async ({data}: MessageEvent<string>) => {
    try {
      // As in Safari, where handles have it not.
      Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable');
      await copyModel(modelAtUrl(data), modelInDirectory(await directory('worker')));
      globalThis.postMessage('stored');
    } catch (error) {
      globalThis.postMessage(String(error));
    }
  };
}
