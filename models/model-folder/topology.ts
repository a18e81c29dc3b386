// model.json of a model folder: tf's own format, which tf.loadLayersModel opens, checked as files from anywhere must be.

import type {io} from '@tensorflow/tfjs-core';
import {serialization} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {VERSION} from '../../config/version.js';
import {shown} from '../../errors/shown.js';
import {ModelFormatError} from '../model-format.js';
import {isPlainName} from './parse-card.js';
import {parseObject} from './source.js';
import type {FolderDType, WeightEntry} from './weights.js';
import {folderDTypes, specsOf} from './weights.js';

export const TOPOLOGY = 'model.json';

/** What model.json says, checked. */
export interface Topology {
  readonly json: io.ModelJSON;
  /** Files of the weights, in order. */
  readonly paths: readonly string[];
  /** All become float32. */
  readonly weights: readonly WeightEntry[];
  /** How all of them are stored. */
  readonly dtype: FolderDType;
  /** SHA-256 of all weight files one behind the other, which version 0.1.0 kept here. */
  readonly sha256?: string;
}

/** Text of model.json for a model whose weights lie, one behind the other, in these files. */
export function topologyText(
  model: tfl.LayersModel,
  weights: readonly WeightEntry[],
  {paths, dtype}: Pick<Topology, 'paths' | 'dtype'>,
): string {
  const metadata = model.getUserDefinedMetadata();
  const json: io.ModelJSON = {
    format: 'layers-model',
    generatedBy: `bmojo ${VERSION}`,
    convertedBy: null,
    modelTopology: model.toJSON(null, false) as object,
    ...(metadata === undefined ? {} : {userDefinedMetadata: metadata as Record<string, object>}),
    weightsManifest: [{paths: [...paths], weights: specsOf(weights, dtype)}],
  };
  return JSON.stringify(json);
}

/**
 * Reads the text of a model.json.
 * Errors: ModelFormatError for no JSON, missing parts, names that leave the folder, weights that are repeated, of no shape,
 * not stored as float32 or float16 or not all alike, and layers that are not registered.
 */
export function parseTopology(where: string, text: string): Topology {
  const fail = (reason: string): never => {
    throw new ModelFormatError(`${where} ${reason}`);
  };
  const json = parseObject(where, text) as unknown as io.ModelJSON & {sha256?: unknown};
  if (typeof json.modelTopology !== 'object' || json.modelTopology === null) fail('holds no modelTopology');
  const groups: unknown = json.weightsManifest;
  if (
    !Array.isArray(groups) ||
    groups.some(one => !Array.isArray(one?.paths) || !Array.isArray(one?.weights))
  )
    return fail('holds no weightsManifest');
  const paths: unknown[] = groups.flatMap(group => group.paths);
  const foreign = paths.find(path => !isPlainName(path));
  if (foreign !== undefined) fail(`names ${shown(foreign)}, which is no plain file name`);
  const stored = groups.flatMap(group => group.weights.map((spec: unknown) => parseSpec(spec, fail)));
  const {dtype = 'float32'} = stored[0] ?? {};
  const other = stored.find(one => one.dtype !== dtype);
  if (other !== undefined)
    fail(`holds ${other.name} as ${other.dtype} and others as ${dtype}; all weights must be stored alike`);
  const weights = stored.map(({name, shape}) => ({name, shape}));
  const names = weights.map(({name}) => name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) fail(`holds the weight ${shown(repeated)} twice`);
  const unknown = unknownLayer(json.modelTopology);
  if (unknown !== undefined)
    fail(
      `has a layer '${unknown}', which is neither tf's nor one of bmojo ${VERSION}; register its class with ` +
        'tf.serialization.registerClass before, or update bmojo',
    );
  const {sha256} = json;
  return {json, paths: paths as string[], weights, dtype, ...(typeof sha256 === 'string' ? {sha256} : {})};
}

function parseSpec(spec: unknown, fail: (reason: string) => never): WeightEntry & Pick<Topology, 'dtype'> {
  const {name, shape, dtype, quantization} = (spec ?? {}) as Partial<io.WeightsManifestEntry>;
  if (typeof name !== 'string' || name === '__proto__')
    return fail(`holds the weight name ${shown(name)}, which is not allowed`);
  const words: unknown = quantization?.dtype ?? dtype;
  const stored = folderDTypes.find(one => one === words);
  if (dtype !== 'float32' || stored === undefined)
    return fail(`holds ${name} as ${shown(words)}; weights must be float32, stored as it or as float16`);
  if (!Array.isArray(shape) || !shape.every(size => Number.isSafeInteger(size) && size >= 0))
    return fail(`holds ${name}, which has no valid shape`);
  return {name, shape, dtype: stored};
}

/** Class of the first layer, however deep, that tf could not build. */
function unknownLayer(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {class_name: name} = value as Record<string, unknown>;
  if (typeof name === 'string' && !isRegistered(name)) return name;
  for (const inner of Object.values(value)) {
    const found = unknownLayer(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRegistered(name: string): boolean {
  return Object.hasOwn(serialization.SerializationMap.getMap().classNameMap, name);
}
