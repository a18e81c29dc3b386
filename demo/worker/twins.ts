// Other models on the same sample of recall: which of them answer which question.

import {inspect} from '../../eval/index.js';
import {asLanguageModel} from '../../models/index.js';
import type {Call, Handler} from '../protocol.js';
import type {ChosenModel} from '../storage/chosen-model.js';
import {openKept} from '../storage/model-store.js';
import {ensureDevice} from './device.js';
import type {SequenceSource} from './sequence.js';
import {recallPiece, sequenceOf} from './sequence.js';

export interface TwinAnswers {
  readonly name: string;
  /** Bytes of memory of one sequence at its end. */
  readonly stateBytes: number;
  /** Share of right answers in the evaluation of its card, where it has one. */
  readonly accuracy?: number;
  readonly answers: readonly {
    readonly position: number;
    readonly said: string;
    readonly wanted: string;
    readonly right: boolean;
  }[];
}

/** One event for each model that has answered. */
export type TwinsCall = Call<
  {
    readonly names: readonly string[];
    readonly source: Extract<SequenceSource, {kind: 'recall'}>;
    /** How each of them is held. */
    readonly dtype: ChosenModel['dtype'];
  },
  TwinAnswers,
  null
>;

export const twins: Handler<'twins'> = async ({names, source, dtype}, {tell, signal}) => {
  await ensureDevice();
  for (const name of names) {
    signal.throwIfAborted();
    const own = await openKept({model: name, dtype}, {signal});
    try {
      const model = asLanguageModel(own.model);
      const {tokens, labels, queries} = sequenceOf(source, model);
      const {best} = await inspect(model, tokens, {labels});
      const accuracy = own.card?.training?.evaluation?.report.accuracy;
      const piece = (id: number): string => recallPiece(id, model.config.vocabSize);
      tell({
        name,
        stateBytes: model.stateBytes(tokens.length),
        ...(typeof accuracy === 'number' ? {accuracy} : {}),
        answers: queries.map(({position}) => ({
          position,
          said: piece(best[position]),
          wanted: piece(labels?.[position] ?? 0),
          right: best[position] === labels?.[position],
        })),
      });
    } finally {
      own.model.model.dispose();
    }
  }
  return null;
};
