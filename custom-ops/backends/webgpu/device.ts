// Our own WebGPU device, with everything the adapter offers, as tfjs's backend 'webgpu'.

import {WebGPUBackend} from '@tensorflow/tfjs-backend-webgpu';
import {env, findBackendFactory, registerBackend, removeBackend} from '@tensorflow/tfjs-core';
import {isNode} from '../environment.js';
import {runningBackend, startsAreOver} from '../running.js';
import {isLost} from './dispatch/lost-device.js';
import {describeMatrixUnits, findMatrixUnits, matrixFeature} from './dispatch/matrix-support.js';
import {isSoftware} from './dispatch/software.js';
import {compiledOn, countPipelines} from './pipeline-count.js';
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

const wantedFeatures: readonly GPUFeatureName[] = [
  'timestamp-query',
  'subgroups',
  'shader-f16',
  matrixFeature,
];

const noAdapter =
  'bmojo: no WebGPU adapter was found. ' +
  (isNode
    ? 'In Node, install a Vulkan driver for your GPU and the Vulkan loader ' +
      '(Debian: libvulkan1 and mesa-vulkan-drivers, or the GPU vendor’s driver). Without a GPU, SwiftShader serves for ' +
      'tests: set VK_ICD_FILENAMES to its vk_swiftshader_icd.json.'
    : 'Turn on hardware acceleration in the browser’s settings, or take a browser with WebGPU; wasm needs no GPU.');

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
  /** Matrix units of the device, or what its products in float16 do without; absent of an adapter that has no device yet. */
  readonly matrices?: string;
}

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
  return {adapter, description: describeGpu(adapter.info, adapter.features)};
}

function describeGpu(info: GPUAdapterInfo, has: GPUSupportedFeatures): GpuDescription {
  const {vendor, architecture, device, description} = info;
  const words = [vendor, architecture, device, description];
  return {
    vendor,
    architecture,
    description,
    name: description || words.filter(word => word !== '').join(' ') || 'a GPU that gives no name',
    software: isSoftware(info),
    features: wantedFeatures.filter(feature => has.has(feature)),
  };
}

/** Pipelines that the device of the backend `webgpu` compiled so far; 0 where none has started. */
export function compiledPipelines(): number {
  return started === undefined ? 0 : compiledOn(started.backend.device);
}

interface Started {
  readonly backend: WebGPUBackend;
  readonly description: GpuDescription;
}

let started: Started | undefined;

/**
 * Gives tf a backend `webgpu` of ours and says what it computes on: the one that runs already, whoever has started it, for
 * its tensors would be lost with it; else one on a device of our own. One call at a time.
 * Errors: Error saying what to do when there is no adapter.
 */
export async function startWebGPU(): Promise<GpuDescription> {
  await startsAreOver();
  // Of tf's class, or of the same one in another copy of tf's package.
  const running = runningBackend('webgpu') as WebGPUBackend | undefined;
  const isAlive = running !== undefined && !(await isLost(running.device));
  if (isAlive && running === started?.backend) return started.description;
  started = isAlive ? await adopt(running) : await create();
  watch(started.backend.device);
  countPipelines(started.backend.device);
  // Small tensors would be computed in JavaScript and uploaded again.
  env().set('WEBGPU_CPU_FORWARD', false);
  // Handing over costs as much as issuing several operations; memory does not wait for it, see quick-backend.ts.
  env().set('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE', 64);
  return started.description;
}

async function create(): Promise<Started> {
  const {adapter, description} = await findAdapter();
  const device = await adapter.requestDevice({
    requiredFeatures: wantedFeatures.filter(feature => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(wantedLimits.map(name => [name, adapter.limits[name]])),
  });
  const matrices = describeMatrixUnits(await findMatrixUnits(device, adapter.info), isNode);
  const backend = quicken(new WebGPUBackend(device, adapter.info));
  // In browsers tfjs offers a device of its own, of WebGPU's smallest limits; or ours was lost.
  if (findBackendFactory('webgpu') !== null) removeBackend('webgpu');
  registerBackend('webgpu', () => backend, 3);
  return {backend, description: {...description, matrices}};
}

/** Of a device that an application has started, the smallest limits may be all there is: our kernels need no more. */
async function adopt(backend: WebGPUBackend): Promise<Started> {
  // Browsers of before 2025 do not tell it of a device.
  const info: GPUAdapterInfo | undefined = backend.device.adapterInfo;
  const known = info ?? (await findAdapter()).adapter.info;
  const matrices = describeMatrixUnits(await findMatrixUnits(backend.device, known), isNode);
  return {backend: quicken(backend), description: {...describeGpu(known, backend.device.features), matrices}};
}

function watch(device: GPUDevice): void {
  device.addEventListener('uncapturederror', event => {
    console.error(`bmojo: WebGPU error: ${event.error.message}`);
  });
  void device.lost.then(({message, reason}) => {
    console.error(
      `bmojo: the GPU device was lost (${message || reason}) and with it every tensor on it; ` +
        'call useBackend again for a new device, then make or load the model again',
    );
  });
}
