// Our own WebGPU device, with everything the adapter offers, as tfjs's backend 'webgpu'.

import {WebGPUBackend} from '@tensorflow/tfjs-backend-webgpu';
import {env, findBackend, findBackendFactory, registerBackend, removeBackend} from '@tensorflow/tfjs-core';
import {quicken} from './stock/quick-backend.js';

const wantedLimits = [
  'maxStorageBuffersPerShaderStage',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

const wantedFeatures: readonly GPUFeatureName[] = ['timestamp-query', 'subgroups', 'shader-f16'];

const noAdapter =
  'bmojo: no WebGPU adapter was found. In Node, install a Vulkan driver for your GPU and the Vulkan loader ' +
  '(Debian: libvulkan1 and mesa-vulkan-drivers, or the GPU vendor’s driver). Without a GPU, SwiftShader serves for ' +
  'tests: set VK_ICD_FILENAMES to its vk_swiftshader_icd.json. In a browser, turn on hardware acceleration.';

/** Adapters that compute on the CPU, by what they call themselves. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

/** The GPU that computes for the backend `webgpu`, in the words of its adapter. */
export interface GpuDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** What to call it in one line. */
  readonly name: string;
  /** Whether the adapter computes on the CPU, as SwiftShader does. */
  readonly software: boolean;
  /** Optional features of WebGPU that the adapter has and our device asks for. */
  readonly features: readonly string[];
}

let started: GpuDescription | undefined;

async function findGpu(): Promise<GPU | undefined> {
  const own = globalThis.navigator?.gpu;
  if (own !== undefined) return own;
  const {provideGpu} = await import('#dawn');
  return provideGpu();
}

/**
 * The adapter that a device would be made of.
 * Errors: Error saying what to install when there is none.
 */
export async function findAdapter(): Promise<{adapter: GPUAdapter; description: GpuDescription}> {
  const adapter = await (await findGpu())?.requestAdapter({powerPreference: 'high-performance'});
  if (adapter === undefined || adapter === null) throw new Error(noAdapter);
  const {vendor, architecture, device, description, isFallbackAdapter} = adapter.info;
  const words = [vendor, architecture, device, description];
  return {
    adapter,
    description: {
      vendor,
      architecture,
      description,
      name: description || words.filter(word => word !== '').join(' ') || 'a GPU that gives no name',
      software: isFallbackAdapter || words.some(word => softwareNames.test(word)),
      features: wantedFeatures.filter(feature => adapter.features.has(feature)),
    },
  };
}

/**
 * Requests the device once and registers it with tfjs under the name `webgpu`.
 * Errors: Error saying what to install when there is no adapter.
 */
export async function startWebGPU(): Promise<GpuDescription> {
  if (started !== undefined && findBackend('webgpu') !== null) return started;
  const {adapter, description} = await findAdapter();
  const device = await adapter.requestDevice({
    requiredFeatures: wantedFeatures.filter(feature => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(wantedLimits.map(name => [name, adapter.limits[name]])),
  });
  device.addEventListener('uncapturederror', event => {
    console.error(`bmojo: WebGPU error: ${event.error.message}`);
  });
  // Small tensors would be computed in JavaScript and uploaded again.
  env().set('WEBGPU_CPU_FORWARD', false);
  // Handing over costs as much as issuing several operations; memory does not wait for it, see quick-backend.ts.
  env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', 64);
  // In browsers tfjs has registered a device of its own, of WebGPU's smallest limits.
  if (findBackendFactory('webgpu') !== null) removeBackend('webgpu');
  registerBackend('webgpu', () => quicken(new WebGPUBackend(device, adapter.info)), 3);
  started = description;
  return started;
}
