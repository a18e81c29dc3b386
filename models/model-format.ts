// The JSON of a saved tf.LayersModel: written with a checksum, read with the checks that tf.io.decodeWeights lacks.

import type {io} from '@tensorflow/tfjs-core';
import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';

/** A saved model that is missing, damaged, or not what it says. */
export class ModelFormatError extends BmojoError {
  override readonly name = 'ModelFormatError';
  readonly kind = 'damage';
  constructor(reason: string) {
    super(`saved model: ${reason}`);
  }
}

const widths: Readonly<Record<string, number>> = {float32: 4, int32: 4, bool: 1};

/** Bytes that weights of these specs take. Errors: ModelFormatError for a dtype that models of ours never hold. */
export function totalBytes(specs: readonly io.WeightsManifestEntry[]): number {
  return specs.reduce((total, spec) => {
    if (typeof spec !== 'object' || spec === null)
      throw new ModelFormatError(`a weight must be an object, got ${shown(spec)}`);
    const {name, shape, dtype, quantization} = spec;
    const width = widths[dtype];
    if (width === undefined || quantization !== undefined)
      throw new ModelFormatError(`${shown(name)} must be plain float32, int32 or bool, got ${shown(dtype)}`);
    if (!Array.isArray(shape) || !shape.every(size => Number.isSafeInteger(size) && size >= 0))
      throw new ModelFormatError(`${shown(name)} has no valid shape`);
    return total + width * shape.reduce((product, size) => product * size, 1);
  }, 0);
}

/** Text of model.json; `sha256` is ours, other readers pass it over. */
export function modelJson(artifacts: io.ModelArtifacts, weights: {path: string; sha256: string}): string {
  const {modelTopology, format, generatedBy, convertedBy, trainingConfig, userDefinedMetadata} = artifacts;
  if (typeof modelTopology !== 'object')
    throw new ModelFormatError('only models with a JSON topology are saved');
  return JSON.stringify({
    format,
    generatedBy,
    convertedBy: convertedBy ?? null,
    modelTopology,
    ...(trainingConfig === undefined ? {} : {trainingConfig}),
    ...(userDefinedMetadata === undefined ? {} : {userDefinedMetadata}),
    weightsManifest: [{paths: [weights.path], weights: artifacts.weightSpecs ?? []}],
    sha256: weights.sha256,
  });
}

/**
 * Checks the text of a model.json and its weights and gives what tf loads.
 * Errors: ModelFormatError for no JSON, missing parts, paths that leave the folder, repeated names, a wrong number of
 * bytes, or float weights that are not finite.
 */
export function modelArtifacts(
  where: string,
  text: string,
  readWeights: (paths: readonly string[], sha256: string | undefined) => Uint8Array<ArrayBuffer>,
): io.ModelArtifacts {
  const fail = (reason: string): never => {
    throw new ModelFormatError(`${where} ${reason}`);
  };
  let json: Partial<io.ModelJSON> & {sha256?: unknown};
  try {
    json = JSON.parse(text);
  } catch (error) {
    return fail(`is no JSON: ${String(error)}`);
  }
  if (
    typeof json !== 'object' ||
    json === null ||
    typeof json.modelTopology !== 'object' ||
    json.modelTopology === null
  )
    return fail('holds no modelTopology');
  const groups = json.weightsManifest;
  if (
    !Array.isArray(groups) ||
    groups.some(group => !Array.isArray(group?.paths) || !Array.isArray(group?.weights))
  )
    return fail('holds no weightsManifest');
  const paths = groups.flatMap(group => group.paths);
  const specs = groups.flatMap(group => group.weights);
  const foreign = paths.find(
    path => typeof path !== 'string' || !/^[\w.-]+$/.test(path) || path.startsWith('.'),
  );
  if (foreign !== undefined) fail(`names ${shown(foreign)}, which is no plain file name`);
  const names = specs.map(spec => spec?.name);
  const seen = new Set<unknown>(['__proto__']);
  for (const name of names) {
    if (typeof name !== 'string' || seen.has(name))
      fail(`holds the weight name ${shown(name)}, which is repeated or not allowed`);
    seen.add(name);
  }
  const expected = totalBytes(specs);
  const weights = readWeights(paths, typeof json.sha256 === 'string' ? json.sha256 : undefined);
  if (weights.length !== expected) fail(`needs ${expected} bytes of weights, got ${weights.length}`);
  checkFinite(specs, weights, fail);
  return {
    modelTopology: json.modelTopology,
    format: json.format,
    generatedBy: json.generatedBy,
    convertedBy: json.convertedBy,
    trainingConfig: json.trainingConfig,
    userDefinedMetadata: json.userDefinedMetadata,
    weightSpecs: specs,
    weightData: weights.buffer,
  };
}

function checkFinite(
  specs: readonly io.WeightsManifestEntry[],
  weights: Uint8Array,
  fail: (reason: string) => never,
): void {
  const view = new DataView(weights.buffer, weights.byteOffset, weights.byteLength);
  let at = 0;
  for (const spec of specs) {
    const end = at + totalBytes([spec]);
    if (spec.dtype === 'float32') {
      for (let i = at; i < end; i += 4) {
        if (!Number.isFinite(view.getFloat32(i, true)))
          fail(`holds ${spec.name}, which is not finite throughout`);
      }
    }
    at = end;
  }
}
