// The default backend: the fastest that this machine has, and never plain JavaScript.

import type {BackendName} from './backend-names.js';

/** What {@link chooseBackend} found: the fastest backend that works here, and why it is that one. */
export interface BackendChoice {
  readonly backend: BackendName;
  /** Why this one, and why none of the faster ones: one line. */
  readonly reason: string;
}

/** A backend that {@link chooseBackend} tries, and how it finds out whether that one serves here. */
export interface BackendCandidate {
  readonly backend: BackendName;
  /** Whether it serves on this machine, and in a few words what was found or what is missing. */
  probe(): Promise<{readonly serves: boolean; readonly found: string}>;
}

/** A device that computes on the CPU serves for tests, but C++ compiled to WASM is faster. */
async function probeWebGPU(): Promise<{serves: boolean; found: string}> {
  const {mayHaveGpu} = await import('#dawn');
  if (!mayHaveGpu()) return {serves: false, found: 'this machine shows no GPU'};
  try {
    const {findAdapter} = await import('./webgpu/device.js');
    const {name, software} = (await findAdapter()).description;
    return {serves: !software, found: software ? `${name} computes on the CPU` : name};
  } catch (error) {
    return {serves: false, found: error instanceof Error ? firstSentence(error.message) : String(error)};
  }
}

/** Loads it: whoever asks for the choice uses it next, and what is set up may still not load. */
async function probeTensorFlow(): Promise<{serves: boolean; found: string}> {
  try {
    const {loadTensorFlow} = await import('#tensorflow');
    const {threads} = loadTensorFlow();
    return {serves: true, found: `TensorFlow with C++ kernels on ${threads} threads`};
  } catch (error) {
    return {serves: false, found: error instanceof Error ? firstSentence(error.message) : String(error)};
  }
}

/** What a backend's error says, without the backend's name and the remedy: `bmojo doctor` tells both. */
function firstSentence(message: string): string {
  return message
    .replace(/^bmojo: (the \w+ backend (is )?)?/, '')
    .split(/[.;(] ?/)[0]
    .trim();
}

/** From the fastest to the one that every machine has. */
export const backendCandidates: readonly BackendCandidate[] = [
  {backend: 'webgpu', probe: probeWebGPU},
  {backend: 'tensorflow', probe: probeTensorFlow},
  {backend: 'wasm', probe: async () => ({serves: true, found: 'C++ kernels on the CPU'})},
];

/**
 * Names the fastest backend that works here: a GPU through WebGPU, else `tensorflow` where it is set
 * up (Node alone), else `wasm`; never `cpu`. A software adapter is no GPU.
 * Errors: Error when no candidate serves.
 */
export async function chooseBackend(
  candidates: readonly BackendCandidate[] = backendCandidates,
): Promise<BackendChoice> {
  const missing: string[] = [];
  for (const {backend, probe} of candidates) {
    const {serves, found} = await probe();
    if (serves) return {backend, reason: [found, ...missing].join('; ')};
    missing.push(`no ${backend}: ${found}`);
  }
  throw new Error(`bmojo: no backend works here; ${missing.join('; ')}`);
}
