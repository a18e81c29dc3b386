// Stands in for dawn.ts where there is no Node: browsers bring their own WebGPU.

export async function provideGpu(): Promise<GPU | undefined> {
  return undefined;
}

export function mayHaveGpu(): boolean {
  return true;
}
