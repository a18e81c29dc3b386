// The backends that tf's engine has started or is starting: what of the engine is not in its types.

import type {KernelBackend} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';

type Factory = () => KernelBackend | Promise<KernelBackend>;

export interface Starter {
  /** The current backend, or the one asked for while it starts; none before the first. */
  readonly backendName?: string | null;
  readonly registry: Readonly<Record<string, KernelBackend>>;
  readonly registryFactory: Readonly<Record<string, {factory: Factory}>>;
  readonly pendingBackendInit?: Promise<boolean> | null;
  initializeBackend(name: string): {success: boolean | Promise<boolean>; asyncInit: boolean};
}

export function tfStarter(): Starter {
  return engine() as unknown as Starter;
}

/** The backend of this name if it has been started; asking tf for it would start it. */
export function runningBackend(name: string): KernelBackend | undefined {
  return tfStarter().registry[name];
}

/** Keeps tf's cpu backend from advising another package at its first tensor: it was asked for, or chosen knowingly. */
export function keepCpuSilent(): void {
  const started = runningBackend('cpu');
  if (started !== undefined) Object.assign(started, {firstUse: false});
}

/** Resolves when no backend is being started. */
export async function startsAreOver(): Promise<void> {
  await tfStarter().pendingBackendInit;
}
