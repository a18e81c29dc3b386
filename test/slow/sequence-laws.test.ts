// The sequence laws on WebGPU for every layer; the one that has every kind of memory is cut in every way.

import {streamingLayers} from '../layers/mixers.js';
import {layerChecks, quickSplits} from '../support/gpu-suite.js';
import {splits} from '../support/sequence-laws.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

const fullestLayer = "B'MOJO, sliding";

describe('sequence laws of every layer on webgpu', function () {
  this.timeout(600_000);
  onPoisonedBuffers();

  const layers = Object.entries(streamingLayers);
  const cuts = (name: string) => (name === fullestLayer ? splits : quickSplits);
  for (const {name, run} of layerChecks(layers, cuts)) it(name, run);
});
