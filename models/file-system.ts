// tf.LayersModel on disk, on every backend (Node only): the format of tfjs, written so that it is whole or not there.

import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {join} from 'node:path';
import type {io} from '@tensorflow/tfjs-core';
import {refuse} from '../custom-ops/check.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {modelInFolder} from './folder-on-disk.js';
import {CARD} from './model-folder/parse-card.js';
import {readCard, readModel} from './model-folder/read.js';
import {ModelFormatError, modelArtifacts, modelJson, totalBytes} from './model-format.js';

const MODEL = 'model.json';

/**
 * Saves to and loads from a folder, or from the path of its model.json: `model.save(fileSystem('runs/a'))`,
 * `tf.loadLayersModel(fileSystem('runs/a'))`. Browsers load the same folder from a server by the address of model.json.
 *
 * A model folder with a card is held against it.
 * Saving replaces an older model in one step: the weights go to a file named after their content, then model.json is
 * renamed into place. Errors: ModelFormatError when the files are missing, damaged, or not what they say.
 */
export function fileSystem(path: string): io.IOHandler {
  if (typeof path !== 'string') refuse('fileSystem', 'path', 'a folder or the path of its model.json', path);
  const folder = path.endsWith('.json') ? join(path, '..') : path;
  const file = path.endsWith('.json') ? path : join(path, MODEL);
  return {
    save: async artifacts => {
      const weights = joinBuffers(artifacts.weightData);
      const sha256 = checksum(weights);
      const name = `weights-${sha256.slice(0, 12)}.bin`;
      const json = modelJson(artifacts, {path: name, sha256});
      mkdirSync(folder, {recursive: true});
      writeFileAtomic(join(folder, name), weights);
      // It describes the model that was here.
      rmSync(join(folder, CARD), {force: true});
      writeFileAtomic(file, new TextEncoder().encode(json));
      for (const old of readdirSync(folder)) {
        if (/^weights-[\w-]+\.bin$/.test(old) && old !== name) rmSync(join(folder, old));
      }
      return {
        modelArtifactsInfo: {
          dateSaved: new Date(),
          modelTopologyType: 'JSON',
          modelTopologyBytes: json.length,
          weightSpecsBytes: totalBytes(artifacts.weightSpecs ?? []),
          weightDataBytes: weights.length,
        },
      };
    },
    load: async () => {
      const source = modelInFolder(folder);
      if ((await readCard(source)) !== undefined) return (await readModel(source)).artifacts;
      if (!existsSync(file)) throw new ModelFormatError(`${file} does not exist`);
      return modelArtifacts(file, readFileSync(file, 'utf8'), (paths, sha256) => {
        const missing = paths.find(one => !statSync(join(folder, one), {throwIfNoEntry: false})?.isFile());
        if (missing !== undefined)
          throw new ModelFormatError(`${file} names ${missing}, which does not exist`);
        const bytes = new Uint8Array(Buffer.concat(paths.map(one => readFileSync(join(folder, one)))));
        if (sha256 !== undefined && checksum(bytes) !== sha256)
          throw new ModelFormatError(`${file}: the weights are damaged: their SHA-256 is another`);
        return bytes;
      });
    },
  };
}

function checksum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function joinBuffers(data: io.WeightData | undefined): Uint8Array {
  const parts = data === undefined ? [] : Array.isArray(data) ? data : [data];
  return new Uint8Array(Buffer.concat(parts.map(part => new Uint8Array(part))));
}
