// Whether a model multiplies in float16, whose narrow range asks for a scaled loss in training.

import type * as tfl from '@tensorflow/tfjs-layers';
import {ResidualBlock} from '../layers/index.js';
import type {ModelConfig} from './config.js';
import {layerPlan} from './layer-plan.js';

/** Of the layers of a built model. */
export function layersUseFloat16(layers: readonly tfl.layers.Layer[]): boolean {
  return layers
    .map(layer => (layer instanceof ResidualBlock ? layer.layer : layer))
    .some(layer => layer.getConfig().precision === 'float16');
}

/** Of a model that these settings make. */
export function configUsesFloat16(config: ModelConfig): boolean {
  return (
    config.precision === 'float16' ||
    layerPlan(config).some(({mixer: {precision}}) => precision === 'float16')
  );
}
