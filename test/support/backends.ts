// Backends whose memory can be read at once: those of every machine, and tensorflow where it is set up. On CI a backend
// that does not start fails the tests; elsewhere they say loudly, once, that they did not run.

import {hostBackendNames} from '../../custom-ops/backends/backend-names.js';
import {useBackend} from '../../custom-ops/index.js';

export const readableBackends = [...hostBackendNames, 'tensorflow'] as const;
export type ReadableBackend = (typeof readableBackends)[number];

let unavailable: Error | undefined;

/** For `before` hooks and tests: makes a backend current, or skips (tensorflow that is not set up, not on CI). */
export async function useReadableBackend(context: Mocha.Context, name: ReadableBackend): Promise<void> {
  if (name !== 'tensorflow') {
    await useBackend(name);
    return;
  }
  try {
    if (unavailable !== undefined) throw unavailable;
    await useBackend(name);
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    if (unavailable === undefined)
      console.warn(`\nTENSORFLOW TESTS DID NOT RUN: ${(error as Error).message}\n`);
    unavailable = error as Error;
    context.skip();
  }
}
