// Corpora by name: those that ship with the project, and those that a manifest tells where to get.

import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {writeFileAtomic} from '../../formats/atomic-file.js';
import {CorpusError} from './documents.js';
import {fileChecksum} from './prepare.js';

export interface CorpusFile {
  readonly name: string;
  readonly address: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Corpus {
  readonly name: string;
  readonly summary: string;
  readonly licence: string;
  readonly files: readonly CorpusFile[];
}

/** Shipped beside the compiled code, at the project's root. */
const shippedFolder = join(import.meta.dirname, '../../../data/corpora');

/** The corpora of a manifest: a JSON list of {@link Corpus}. Default: the project's own. Errors: CorpusError. */
export function readManifest(path = join(shippedFolder, 'manifest.json')): Corpus[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new CorpusError(
      `manifest: ${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (!Array.isArray(value)) throw new CorpusError(`manifest: ${path} must be a list of corpora`);
  return value.map((one: Partial<Corpus> | null, i) => {
    const {name, summary = '', licence, files} = one ?? {};
    if (
      typeof name !== 'string' ||
      typeof licence !== 'string' ||
      !Array.isArray(files) ||
      files.length === 0
    )
      throw new CorpusError(`manifest: ${path} entry ${i} must have a name, a licence and files`);
    for (const file of files) {
      if (
        !/^[\w.-]+$/.test(file?.name ?? '') ||
        !/^[0-9a-f]{64}$/.test(file.sha256 ?? '') ||
        !URL.canParse(file.address)
      )
        throw new CorpusError(
          `manifest: ${path}: each file of ${name} must have a plain name, an address and a sha256 of 64 digits`,
        );
    }
    return {name, summary, licence, files};
  });
}

/** Paths of a corpus that ships with the project; undefined when it does not. Errors: CorpusError when one is damaged. */
async function shippedFiles({name, files}: Corpus): Promise<string[] | undefined> {
  const paths = files.map(file => join(shippedFolder, name, file.name));
  if (!paths.every(path => existsSync(path))) return undefined;
  for (const [i, path] of paths.entries()) await checkFile(path, files[i]);
  return paths;
}

async function checkFile(path: string, {sha256}: CorpusFile): Promise<void> {
  const found = await fileChecksum(path);
  if (found.sha256 !== sha256)
    throw new CorpusError(`corpus: ${path} must have SHA-256 ${sha256}, has ${found.sha256}`);
}

/**
 * Files of what a command line names: paths stay, names of corpora become their files.
 * Errors: CorpusError for a corpus that must be fetched first, and for what is neither a file nor a corpus.
 */
export async function resolveFiles(names: readonly string[], manifest?: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    if (existsSync(name)) {
      found.push(name);
      continue;
    }
    const corpora = readManifest(manifest);
    const corpus = corpora.find(one => one.name === name);
    if (corpus === undefined)
      throw new CorpusError(
        `corpus: ${name} is neither a file nor a corpus; known corpora: ${corpora.map(one => one.name).join(', ')}`,
      );
    const files = await shippedFiles(corpus);
    if (files === undefined)
      throw new CorpusError(
        `corpus: ${name} does not ship with the project; get it with: bmojo data fetch ${name} --out DIR${manifest === undefined ? '' : ` --manifest ${manifest}`}`,
      );
    found.push(...files);
  }
  return found;
}

/** Downloads a corpus into a folder, whole files only. Errors: CorpusError when an address fails or a checksum differs. */
export async function fetchCorpus({files}: Corpus, folder: string): Promise<string[]> {
  mkdirSync(folder, {recursive: true});
  const paths: string[] = [];
  for (const file of files) {
    const path = join(folder, file.name);
    paths.push(path);
    if (existsSync(path)) {
      await checkFile(path, file);
      continue;
    }
    const bytes = await download(file.address);
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    const sha256 = Buffer.from(digest).toString('hex');
    if (sha256 !== file.sha256)
      throw new CorpusError(`corpus: ${file.address} must have SHA-256 ${file.sha256}, has ${sha256}`);
    writeFileAtomic(path, bytes);
  }
  return paths;
}

async function download(address: string): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (error) {
    throw new CorpusError(
      `corpus: ${address} cannot be reached: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (!response.ok)
    throw new CorpusError(`corpus: ${address} answered ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}
