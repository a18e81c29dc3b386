// Corpora by name: those that ship with the project, and those that a manifest tells where to get.

import {existsSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {oneLine, shown} from '../../errors/shown.js';
import {readJsonFile} from '../../formats/json-file.js';
import type {Fail} from '../../formats/json-text.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import {CorpusError} from './documents.js';
import type {DownloadOptions} from './download.js';
import {download} from './download.js';
import {fileChecksum} from './file-checksum.js';

/** A file of a corpus: its name, where to get it, and what it must be once it is here (bytes, SHA-256). */
export interface CorpusFile {
  readonly name: string;
  readonly address: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A corpus of a manifest: what it is, under which licence, and its files. */
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
  const fail = (reason: string): never => {
    throw new CorpusError(`manifest: ${path} ${reason}`);
  };
  const value = readJsonFile(path, fail, MOST_MANIFEST);
  if (!Array.isArray(value)) return fail('must be a list of corpora');
  return value.map((one: unknown, i) => {
    if (!isRecord(one)) return fail(`entry ${i} must be an object, got ${shown(one)}`);
    const {name, summary = '', licence, files} = one;
    if (
      typeof name !== 'string' ||
      typeof licence !== 'string' ||
      typeof summary !== 'string' ||
      !PLAIN_NAME.test(name) ||
      !Array.isArray(files) ||
      files.length === 0
    )
      return fail(`entry ${i} must have a plain name, a licence and files`);
    return {
      name,
      summary: oneLine(summary),
      licence: oneLine(licence),
      files: files.map(file => corpusFile(file, name, fail)),
    };
  });
}

const MOST_MANIFEST = 1 << 24;
const PLAIN_NAME = /^[\w-][\w.-]{0,99}$/;

function corpusFile(value: unknown, corpus: string, fail: Fail): CorpusFile {
  const {name, address, bytes, sha256} = isRecord(value) ? value : {};
  const isAddress = typeof address === 'string' && /^https?:/.test(address) && URL.canParse(address);
  if (
    typeof name !== 'string' ||
    !PLAIN_NAME.test(name) ||
    !isAddress ||
    !isCount(bytes) ||
    !isDigest(sha256)
  )
    return fail(
      `each file of ${corpus} must have a plain name, an http(s) address, its bytes and a sha256 of 64 digits, got ${shown(value)}`,
    );
  return {name, address, bytes, sha256};
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
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
        `corpus: ${name} does not ship with the project; get it with: npx bmojo data fetch ${name} --out DIR${manifest === undefined ? '' : ` --manifest ${manifest}`}`,
      );
    found.push(...files);
  }
  return found;
}

/** Downloads a corpus into a folder, whole files only. Errors: CorpusError when an address fails or a checksum differs. */
export async function fetchCorpus(
  {files}: Corpus,
  folder: string,
  options: DownloadOptions = {},
): Promise<string[]> {
  mkdirSync(folder, {recursive: true});
  const paths: string[] = [];
  for (const file of files) {
    const path = join(folder, file.name);
    paths.push(path);
    if (existsSync(path)) {
      await checkFile(path, file);
      continue;
    }
    await download(file, path, options);
  }
  return paths;
}
