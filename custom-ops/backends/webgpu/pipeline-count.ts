// How many pipelines a device was asked for: each is a shader that the driver compiles, which the first step waits for.

const counts = new WeakMap<GPUDevice, number>();

/** Counts what a device compiles from now on. */
export function countPipelines(device: GPUDevice): void {
  if (counts.has(device)) return;
  counts.set(device, 0);
  const count = (): void => {
    counts.set(device, compiledOn(device) + 1);
  };
  const plain = device.createComputePipeline.bind(device);
  const later = device.createComputePipelineAsync.bind(device);
  device.createComputePipeline = descriptor => {
    count();
    return plain(descriptor);
  };
  device.createComputePipelineAsync = descriptor => {
    count();
    return later(descriptor);
  };
}

/** Pipelines that a device compiled since it is counted. */
export function compiledOn(device: GPUDevice): number {
  return counts.get(device) ?? 0;
}
