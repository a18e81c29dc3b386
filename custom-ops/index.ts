// The operators. Their kernels come with the backend that is used: see backends/on-demand.ts.

import './backends/on-demand.js';
import './one-copy.js';

export {BackendError} from './backends/backend-error.js';
export type {BackendName, BackendRequest} from './backends/backend-names.js';
export {backendNames, backendRequests} from './backends/backend-names.js';
export type {BackendCandidate, BackendChoice} from './backends/choose.js';
export {chooseBackend} from './backends/choose.js';
export type {BackendOptions} from './backends/index.js';
export {finishBackend, useBackend, useWebGPU} from './backends/index.js';
export {createStepRunner} from './backends/step.js';
export type {HostInput, StepCall, StepRunner, StepRunnerOptions} from './backends/step-call.js';
export type {WasmPaths} from './backends/wasm-files.js';
export type {GpuDescription} from './backends/webgpu/device.js';
export {ArgumentError} from './check.js';
export * from './functions.generated.js';
export type {Precision} from './precision.js';
export {precisions} from './precision.js';
export {hasKernel} from './run.js';
