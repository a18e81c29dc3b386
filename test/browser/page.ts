// Runs in the browser's page: the checks of the GPU suite, one at a time, each told to the test that drives the page.

import {webgpuDebug} from '../../custom-ops/backends/webgpu/dispatch/dispatcher.js';
import {useWebGPU} from '../../custom-ops/index.js';
import type {Extent} from '../support/gpu-suite.js';
import {gpuChecks} from '../support/gpu-suite.js';

export interface CheckResult {
  readonly name: string;
  readonly ms: number;
  readonly error?: string;
}

export interface PageReport {
  readonly device: string;
  readonly results: readonly CheckResult[];
}

declare global {
  interface Window {
    runGpuSuite(extent: Extent): Promise<PageReport>;
  }
}

window.runGpuSuite = async extent => {
  webgpuDebug.selfCheck = false; // its tensors, alive in the background, would count as leaks
  const {name: device} = await useWebGPU();
  webgpuDebug.poison = true;
  // Code as graphics cards get it; Node's tests run it as processors do.
  if (extent === 'thorough') webgpuDebug.limits = {loops: false};
  const results: CheckResult[] = [];
  for (const {name, run} of gpuChecks(extent)) {
    const start = performance.now();
    try {
      await run();
      results.push({name, ms: performance.now() - start});
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      results.push({name, ms: performance.now() - start, error: words});
    }
  }
  return {device, results};
};
