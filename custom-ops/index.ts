// The operators. Importing this module registers their kernels on the cpu and wasm backends.

export * from './adam-w/index.js';
export {BackendError} from './backends/backend-error.js';
export type {BackendName, BackendRequest} from './backends/backend-names.js';
export {backendNames, backendRequests} from './backends/backend-names.js';
export type {BackendCandidate, BackendChoice} from './backends/choose.js';
export {chooseBackend} from './backends/choose.js';
export {finishBackend, useBackend, useWebGPU} from './backends/index.js';
export {createStepRunner} from './backends/step.js';
export type {HostInput, StepCall, StepRunner, StepRunnerOptions} from './backends/step-call.js';
export type {GpuDescription} from './backends/webgpu/device.js';
export * from './causal-conv1d/index.js';
export {ArgumentError} from './check.js';
export * from './cross-entropy/index.js';
export * from './dropout/index.js';
export * from './embedding-lookup/index.js';
export * from './innovation-scores/index.js';
export * from './innovation-select/index.js';
export * from './linear/index.js';
export * from './memory-attention/index.js';
export * from './rms-norm/index.js';
export * from './rotary-embedding/index.js';
export {hasKernel} from './run.js';
export * from './selective-scan/index.js';
export * from './sum-of-squares/index.js';
export * from './swiglu/index.js';
