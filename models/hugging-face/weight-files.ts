// The safetensors files of a checkpoint: which there are, what they say they hold, and their tensors, one at a time.

import {isRecord} from '../../formats/json-text.js';
import {asFloat32, decodeNumbers} from '../../formats/safetensors.js';
import type {TensorPlace} from '../../formats/safetensors-header.js';
import {
  decodeHeader,
  headerLength,
  LENGTH_BYTES,
  SafetensorsError,
} from '../../formats/safetensors-header.js';
import {isPlainName} from '../model-folder/parse-card.js';
import type {ModelSource, Pieces} from '../model-folder/source.js';
import {parseObject, readText} from '../model-folder/source.js';
import {CheckpointImportError, refuseImport} from './import-error.js';

const WHOLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** Where others keep weights: as code that runs when it is read, and as what this package does not read. */
const OTHERS = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'tf_model.h5', 'model.gguf'];

/** How what a clone without Git LFS holds in place of a large file begins. */
const LFS_POINTER = 'version ';

/** A file of tensors, known by its header. */
export interface WeightFile {
  readonly path: string;
  /** Of the whole file. */
  readonly bytes: number;
  /** Bytes in front of the tensors. */
  readonly offset: number;
  readonly places: readonly TensorPlace[];
}

/** A tensor of a checkpoint, in float32. */
export interface CheckpointTensor {
  readonly name: string;
  readonly data: Float32Array;
}

/** Bytes in the order in which they are asked for. */
class ByteReader {
  private readonly pieces: AsyncIterator<Uint8Array<ArrayBuffer>>;
  private rest = new Uint8Array(0);

  constructor(
    private readonly where: string,
    pieces: Pieces,
  ) {
    this.pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next bytes, in memory of their own. Errors: SafetensorsError where the file ends before. */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      if (this.rest.length === 0 && !(await this.more()))
        throw new SafetensorsError(`safetensors: ${this.where} ends before its last tensor does`);
      const piece = this.rest.subarray(0, length - at);
      bytes.set(piece, at);
      at += piece.length;
      this.rest = this.rest.subarray(piece.length);
    }
    return bytes;
  }

  /** Errors: SafetensorsError where there are more bytes. */
  async expectEnd(): Promise<void> {
    if (this.rest.length > 0 || (await this.more()))
      throw new SafetensorsError(`safetensors: ${this.where} goes on behind its last tensor`);
  }

  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  private async more(): Promise<boolean> {
    while (this.rest.length === 0) {
      const {done, value} = await this.pieces.next();
      if (done === true) return false;
      this.rest = value;
    }
    return true;
  }
}

/** What `read` makes of a file; undefined where there is none. Errors: as of `read`, those of the format with the file's name. */
async function ifThere<T>(
  source: ModelSource,
  path: string,
  options: {readonly from?: number; readonly signal?: AbortSignal},
  read: (reader: ByteReader) => Promise<T>,
): Promise<T | undefined> {
  const pieces = await source.read(path, options);
  if (pieces === undefined) return undefined;
  const reader = new ByteReader(path, pieces);
  try {
    return await read(reader);
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new CheckpointImportError(`${source.name}: ${path}: ${error.message}`);
  } finally {
    await reader.close();
  }
}

function missing(source: ModelSource, path: string): never {
  throw new CheckpointImportError(`${source.name}: ${path} is missing`);
}

function openFile(source: ModelSource, path: string, signal?: AbortSignal): Promise<WeightFile | undefined> {
  return ifThere(source, path, {signal}, async reader => {
    const start = await reader.take(LENGTH_BYTES);
    if (new TextDecoder('latin1').decode(start) === LFS_POINTER)
      throw new CheckpointImportError(
        `${source.name}: ${path} is a pointer of Git LFS, not the file; fetch the file (git lfs pull, or a download)`,
      );
    const length = headerLength(start);
    const {places} = decodeHeader(await reader.take(length));
    const offset = LENGTH_BYTES + length;
    const bytes = offset + (places.at(-1)?.end ?? 0);
    // Where the size is known, a file that was cut off takes no memory for the tensors that it promises.
    const size = await source.size?.(path);
    if (size !== undefined && size !== bytes)
      throw new SafetensorsError(`safetensors: its header needs ${bytes} bytes, the file has ${size}`);
    return {path, bytes, offset, places};
  });
}

/** Names of the files that an index lists. Errors: CheckpointImportError. */
function shardsOf(where: string, text: string): Map<string, string> {
  const map = parseObject(where, text).weight_map;
  if (!isRecord(map)) refuseImport(where, 'weight_map', 'an object', map);
  const files = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    if (!isPlainName(file) || !file.endsWith('.safetensors'))
      refuseImport(where, `weight_map: ${name}`, 'the name of a safetensors file beside it', file);
    files.set(name, file);
  }
  return files;
}

/**
 * The files of a checkpoint's weights: model.safetensors, or those of model.safetensors.index.json; their headers alone are
 * read. Errors: CheckpointImportError where there are none, where the index names others than they hold, or a tensor stands
 * twice.
 */
export async function openWeightFiles(source: ModelSource, signal?: AbortSignal): Promise<WeightFile[]> {
  const index = await readText(source, INDEX, signal);
  if (index === undefined) {
    const whole = await openFile(source, WHOLE, signal);
    return whole === undefined ? withoutFiles(source, signal) : [whole];
  }
  const where = `${source.name}: ${INDEX}`;
  const listed = shardsOf(where, index);
  const files: WeightFile[] = [];
  for (const path of [...new Set(listed.values())].sort())
    files.push((await openFile(source, path, signal)) ?? missing(source, path));
  const held = new Map<string, string>();
  for (const {path, places} of files)
    for (const {name} of places) {
      if (listed.get(name) !== path)
        throw new CheckpointImportError(
          `${where}: ${path} holds ${name}, which is listed ${listed.has(name) ? 'elsewhere' : 'nowhere'}`,
        );
      held.set(name, path);
    }
  for (const [name, path] of listed)
    if (!held.has(name)) throw new CheckpointImportError(`${where}: ${name} is not in ${path}`);
  return files;
}

async function withoutFiles(source: ModelSource, signal?: AbortSignal): Promise<never> {
  for (const other of OTHERS) {
    // One byte, since what was not begun is not closed either.
    if ((await ifThere(source, other, {signal}, reader => reader.take(1))) === undefined) continue;
    throw new CheckpointImportError(
      `${source.name}: weights must be in safetensors, got ${other}; save the model again with save_pretrained of transformers`,
    );
  }
  throw new CheckpointImportError(`${source.name}: there is neither ${WHOLE} nor ${INDEX}`);
}

/** One tensor of a file. Errors: CheckpointImportError. */
export async function readTensor(
  source: ModelSource,
  {path, offset}: WeightFile,
  place: TensorPlace,
): Promise<Float32Array> {
  const data = await ifThere(source, path, {from: offset + place.begin}, async reader =>
    asFloat32({...place, data: decodeNumbers(await reader.take(place.end - place.begin), place)}),
  );
  return data ?? missing(source, path);
}

/** Tensors of a file in the order of their bytes, of which one at a time is in memory. Errors: CheckpointImportError. */
export async function readTensors(
  source: ModelSource,
  {path, offset, places}: WeightFile,
  signal: AbortSignal | undefined,
  use: (tensor: CheckpointTensor, bytes: number) => void,
): Promise<void> {
  const isRead = await ifThere(source, path, {from: offset, signal}, async reader => {
    for (const place of places) {
      signal?.throwIfAborted();
      const bytes = place.end - place.begin;
      const data = asFloat32({...place, data: decodeNumbers(await reader.take(bytes), place)});
      use({name: place.name, data}, bytes);
    }
    await reader.expectEnd();
    return true;
  });
  if (isRead === undefined) missing(source, path);
}
