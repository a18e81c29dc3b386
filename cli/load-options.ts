// Which weights of a run a command loads, and where it computes.

import {BackendError, backendRequests, chooseBackend, useBackend} from '../custom-ops/index.js';
import type {LoadOptions} from '../experiments/run.js';
import type {RunFolder} from '../experiments/run-folder.js';

type Args = Readonly<Record<string, unknown>>;

/** The options that {@link loadOptions} reads: the same weights for whatever is done with a run. */
export const loadingOptions = {
  weights: {
    type: 'string' as const,
    choices: ['best', 'last'] as const,
    default: 'best' as const,
    describe: 'weights of the best evaluation, or of the last checkpoint',
  },
  backend: {
    type: 'string' as const,
    choices: backendRequests,
    describe:
      'where to compute [default: as in training; where that does not start here, the fastest that does]',
  },
};

/** Starts a backend for a run and says aloud what is not as asked. Errors: BackendError when the one asked for does not start. */
export async function loadOptions(folder: RunFolder, {weights, backend}: Args): Promise<LoadOptions> {
  const asked = backendRequests.find(name => name === backend);
  const lacksBest = weights === 'best' && folder.best.lastStep === undefined;
  if (lacksBest && folder.checkpoints.lastStep !== undefined)
    process.stderr.write(
      `note: ${folder.path} has no evaluation yet; these are the weights of its last checkpoint\n`,
    );
  return {
    weights: weights === 'best' && !lacksBest ? 'best' : 'last',
    backend: asked === undefined ? await backendOf(folder) : await useBackend(asked),
  };
}

async function backendOf({config: {backend}}: RunFolder): Promise<LoadOptions['backend']> {
  try {
    return await useBackend(backend);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    const choice = await chooseBackend();
    process.stderr.write(
      `note: the run was trained on ${backend}, which does not start here; computed on ${choice.backend} (${choice.reason})\n`,
    );
    return useBackend(choice.backend);
  }
}
