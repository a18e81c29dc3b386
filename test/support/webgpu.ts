// WebGPU for tests: a real adapter, else Debian's SwiftShader, else the tests fail on CI and say loudly elsewhere that
// they did not run.

import {existsSync} from 'node:fs';
import {constants} from 'node:os';
import {webgpuDebug} from '../../custom-ops/backends/webgpu/index.js';
import {useBackend} from '../../custom-ops/index.js';
import type {GpuLimits} from '../../custom-ops/wgsl/plan.js';

const chromium = '/usr/lib/chromium';
const RTLD_NODELETE = 0x1000;

/** Points Dawn to SwiftShader of Debian's chromium package, with that package's Vulkan loader. */
export function chooseSwiftShader(): void {
  const driver = `${chromium}/vk_swiftshader_icd.json`;
  const loader = `${chromium}/libvulkan.so.1`;
  const chosen = process.env.VK_ICD_FILENAMES ?? process.env.VK_DRIVER_FILES;
  if (chosen !== undefined || process.platform !== 'linux' || existsSync('/dev/nvidia0')) return;
  if (!existsSync(driver)) return;
  process.env.VK_ICD_FILENAMES = driver;
  if (existsSync(loader)) {
    try {
      process.dlopen({exports: {}}, loader, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    } catch {
      // It is no Node addon, which Node says after loading it: all that is wanted is that it stays loaded.
    }
  }
}

let unavailable: Error | undefined;

/**
 * In the body of a suite: webgpu, where what a kernel must not read, or leaves unwritten, is NaN. `limits`: what the device has
 * less of. Default: nothing.
 */
export function onPoisonedBuffers(limits: Partial<GpuLimits> = {}): void {
  before(async function () {
    await useWebGPUOrSkip(this);
    Object.assign(webgpuDebug, {poison: true, limits});
  });
  after(() => {
    Object.assign(webgpuDebug, {poison: false, limits: {}});
  });
}

/** For `before` hooks: makes webgpu current, or skips the suite (not on CI). */
export async function useWebGPUOrSkip(context: Mocha.Context): Promise<void> {
  chooseSwiftShader();
  webgpuDebug.selfCheck = false; // its tensors, alive in the background, would count as leaks
  try {
    if (unavailable !== undefined) throw unavailable;
    await useBackend('webgpu');
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    if (unavailable === undefined) console.warn(`\nWebGPU TESTS DID NOT RUN: ${(error as Error).message}\n`);
    unavailable = error as Error;
    context.skip();
  }
}
