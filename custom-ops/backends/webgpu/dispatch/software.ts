// Adapters that compute on the CPU.

/** By what they call themselves. */
const names = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

/** Whether an adapter computes on the CPU, as SwiftShader does; browsers of before 2025 do not tell it of a device. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  if (info === undefined) return false;
  const {vendor, architecture, device, description, isFallbackAdapter} = info;
  return isFallbackAdapter || [vendor, architecture, device, description].some(word => names.test(word));
}
