// Models in this browser: those that ship with the site and those that were dropped, each a model folder in the origin's
// private files, checked when it is copied and again when it is opened.

import {SettingError} from '../../config/schema.js';
import {WeightRangeError} from '../../models/held-weights.js';
import type {ModelCard, ModelProgress, ModelSource, OpenedModel} from '../../models/index.js';
import {copyModel, modelAtUrl, modelInDirectory, openModel, readCard} from '../../models/index.js';
import type {ChosenModel} from './chosen-model.js';
import {deleteMemories} from './memory-store.js';
import {folderAt, namesIn} from './opfs.js';

const ROOT = 'models';

/** A model that can be opened by its name. */
export interface ListedModel {
  readonly name: string;
  readonly title: string;
  /** The command that trained it, where that is known. */
  readonly command?: string;
  /** Whether it has a tokenizer; one without reads numbers. */
  readonly readsText: boolean;
  /** Whether it ships with the site; others were brought by the visitor. */
  readonly shipped: boolean;
  /** Whether its files lie in the browser already. */
  readonly kept: boolean;
  /** Bytes of its files, where they are kept. */
  readonly bytes?: number;
}

/** What the site says of a model that ships with it. */
type ShippedModel = Pick<ListedModel, 'name' | 'title' | 'readsText'> & {readonly command: string};

export interface TransferOptions {
  readonly onProgress?: (progress: ModelProgress) => void;
  readonly signal?: AbortSignal;
}

const largestOf = {float16: '65,504', bfloat16: '3.39e38'} as const;

/** Where the shipped models lie: beside the page. */
const shippedAt = (name: string): URL => new URL(`models/${name}/`, pageAddress());

/** The page's folder; the worker's own address lies in its assets. */
function pageAddress(): URL {
  return new URL(import.meta.env.DEV ? '/' : '../', self.location.href);
}

/** The folder of a model in this browser, made where it is missing. */
export const modelDirectory = (name: string): Promise<FileSystemDirectoryHandle> => folderAt([ROOT, name]);

const bytesOf = ({files}: ModelCard): number => files.reduce((total, {bytes}) => total + bytes, 0);

async function keptCard(name: string): Promise<ModelCard | undefined> {
  try {
    return await readCard(modelInDirectory(await folderAt([ROOT, name])));
  } catch {
    return undefined; // half a copy, which opening goes on with
  }
}

async function shippedModels(): Promise<ShippedModel[]> {
  const response = await fetch(new URL('models/index.json', pageAddress()));
  return response.ok ? response.json() : [];
}

/** Shipped models first, then the visitor's own. */
export async function listModels(): Promise<ListedModel[]> {
  const shipped = await shippedModels();
  const kept = await namesIn(await folderAt([ROOT]));
  const listed: ListedModel[] = [];
  for (const {name, title, command, readsText} of shipped) {
    const card = kept.includes(name) ? await keptCard(name) : undefined;
    listed.push({
      name,
      title,
      command,
      readsText,
      shipped: true,
      kept: card !== undefined,
      ...(card && {bytes: bytesOf(card)}),
    });
  }
  for (const name of kept.filter(one => !shipped.some(other => other.name === one))) {
    const card = await keptCard(name);
    if (card !== undefined)
      listed.push({
        name,
        title: card.title,
        command: card.command,
        readsText: card.tokenizer !== undefined,
        shipped: false,
        kept: true,
        bytes: bytesOf(card),
      });
  }
  return listed;
}

/** The card of a model, kept or shipped; undefined where there is none. Errors: ModelFormatError for a damaged one. */
export async function cardOf(name: string): Promise<ModelCard | undefined> {
  return (await keptCard(name)) ?? (await readCard(modelAtUrl(shippedAt(name))));
}

export async function deleteModel(name: string): Promise<void> {
  await deleteMemories(name);
  await (await folderAt([ROOT])).removeEntry(name, {recursive: true});
}

/** Copies a model folder of the visitor's into the browser; returns its name there. Errors: those of `copyModel`. */
export async function keepModel(
  source: ModelSource,
  name: string,
  options: TransferOptions,
): Promise<string> {
  const card = await readCard(source, options.signal);
  const free = await freeName(name, card?.weights.sha256);
  await copyModel(source, modelInDirectory(await folderAt([ROOT, free])), options);
  return free;
}

/** A name that no other model has here: the wanted one, or that with a number. `weights`: digest by which a model is known again. */
export async function freeName(wanted: string, weights?: string): Promise<string> {
  const base = wanted.replace(/[^\w.-]+/g, '-').replace(/^[.-]+/, '') || 'model';
  const shipped = (await shippedModels()).map(({name}) => name);
  const kept = await namesIn(await folderAt([ROOT]));
  const isFree = async (name: string): Promise<boolean> => {
    if (shipped.includes(name)) return false;
    const card = kept.includes(name) ? await keptCard(name) : undefined;
    return card === undefined || card.weights.sha256 === weights;
  };
  let name = base;
  for (let number = 2; !(await isFree(name)); number++) name = `${base}-${number}`;
  return name;
}

/**
 * Opens a model; a shipped one is fetched first, and gone on with where an earlier fetch broke off. Errors: SettingError where a
 * weight has no place in the format in which it is to be held; those of `copyModel` and `openModel`.
 */
export async function openKept(
  {model: name, dtype}: ChosenModel,
  options: TransferOptions,
): Promise<OpenedModel> {
  const store = modelInDirectory(await folderAt([ROOT, name]));
  if ((await keptCard(name)) === undefined) await copyModel(modelAtUrl(shippedAt(name)), store, options);
  try {
    return await openModel(store, {...options, dtype});
  } catch (error) {
    if (!(error instanceof WeightRangeError)) throw error;
    const {weight, value, format} = error;
    throw new SettingError(
      `${name} cannot be held in ${format}: its weight ${weight} holds ${value}, and the largest number of ${format} is ${largestOf[format]}. Have it held ${format === 'float16' ? 'in bfloat16 or ' : ''}in float32`,
    );
  }
}
