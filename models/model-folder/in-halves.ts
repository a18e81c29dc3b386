// A model folder becomes a model whose matrices are halves: weight by weight, so that they are never all there in float32.

import {io} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import type {HalfDType} from '../../formats/weight-dtype.js';
import {widen} from '../../formats/weight-dtype.js';
import {blankModel} from '../half-model.js';
import {heldWeights} from '../held-weights.js';
import {configIn} from '../model-config.js';
import {ModelFormatError} from '../model-format.js';
import type {ReadModel} from './read.js';
import {bytesOf} from './weights.js';

/** Errors: ModelFormatError for a model that is none of ours, and for numbers beyond the range of the format. */
export function modelInHalves(
  name: string,
  {artifacts, dtype}: Pick<ReadModel, 'artifacts' | 'dtype'>,
  format: HalfDType,
): tfl.LayersModel {
  const config = configIn(artifacts.userDefinedMetadata);
  if (config === undefined)
    throw new ModelFormatError(
      `${name}: the model carries no bmojo configuration: it is none of createModel`,
    );
  const {model} = blankModel(config, format);
  try {
    const held = new Map(heldWeights(model).map(weight => [weight.name, weight]));
    const bytes = new io.CompositeArrayBuffer(artifacts.weightData);
    let at = 0;
    for (const {name: path, shape} of artifacts.weightSpecs ?? []) {
      const end = at + bytesOf([{name: path, shape}], dtype);
      const own = new Uint8Array(bytes.slice(at, end));
      const weight = held.get(path);
      if (weight === undefined || `${weight.shape}` !== `${shape}`)
        throw new ModelFormatError(`${name}: ${path} [${shape}] is no weight of the model that it describes`);
      weight.takeBytes(own, dtype, () => widen(own, dtype));
      held.delete(path);
      at = end;
    }
    const [missing] = held.keys();
    if (missing !== undefined) throw new ModelFormatError(`${name}: ${missing} is missing`);
    return model;
  } catch (error) {
    model.dispose();
    throw error;
  }
}
