// `--memory` and `--stream` of evaluations: texts that are read through a store of memory.

import {SettingError} from '../config/schema.js';
import {createRowSearch} from '../custom-ops/exact-search/row-search.js';
import type {ScorableModel} from '../eval/index.js';
import {ModelWithStore} from '../eval/model-with-store.js';
import {openMemory} from '../memory/index.js';
import type {SequenceModel} from '../models/create.js';
import {asLanguageModel} from '../models/create.js';
import {memoryFormat} from '../models/session-memory.js';
import {withOpened} from './opened-memory.js';

export const evaluationStoreOptions = {
  memory: {
    type: 'string' as const,
    describe:
      'read every text through a store, a folder or postgres://..., which is afterwards as it was: what leaves the windows is searched there instead of in the layers',
  },
  stream: {
    type: 'string' as const,
    describe:
      'with --memory, a stream that every text begins with: what earlier processes left in it is found too [default: each text begins with nothing]',
  },
};

/** Errors: SettingError for a stream without a store. */
export function checkStream(argv: Readonly<Record<string, unknown>>): void {
  if (argv.stream !== undefined && argv.memory === undefined)
    throw new SettingError('--stream needs --memory, the store that the stream is in');
}

/**
 * Works with the model as `--memory` says: itself, or reading through the store, which is closed behind it. `digest` names the
 * weights. Errors: as `checkStream`; SettingError for a model that retrieves nothing; MemoryStoreError.
 */
export async function withEvaluationStore<T>(
  {model, digest}: {readonly model: SequenceModel; readonly digest: string},
  argv: Readonly<Record<string, unknown>>,
  work: (model: ScorableModel) => Promise<T>,
): Promise<T> {
  checkStream(argv);
  if (typeof argv.memory !== 'string') return work(model);
  const own = asLanguageModel(model);
  const store = await openMemory(argv.memory, {
    format: memoryFormat(own, {weights: digest}),
    rowSearch: await createRowSearch(),
  });
  const stream = argv.stream === undefined ? undefined : String(argv.stream);
  return withOpened(store, () => work(new ModelWithStore(own, {store, weights: digest, stream})));
}
