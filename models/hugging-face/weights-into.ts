// The numbers of a checkpoint become those of a model, tensor by tensor.

import {startSha256} from '../../formats/sha256/index.js';
import type {HeldWeight} from '../held-weights.js';
import {heldWeights} from '../held-weights.js';
import type {LanguageModel} from '../language-model.js';
import {fromCheckpoint} from './conversion.js';
import {refuseImport} from './import-error.js';
import type {Layout} from './layout.js';
import type {Matches} from './matching.js';
import {presentName} from './matching.js';
import type {CheckpointTensor} from './weight-files.js';

/** Compares a head that must be the embedding with it, whichever comes first. */
export class TiedHeadCheck {
  private readonly digests = new Map<string, string>();

  constructor(private readonly tied: Matches['tied']) {}

  see(name: string, data: Float32Array): void {
    if (this.tied?.head === name || this.tied?.table === name) this.digests.set(name, digestOf(data));
  }

  /** Errors: CheckpointImportError when they differ. */
  end(where: string): void {
    const {tied} = this;
    if (tied !== undefined && this.digests.get(tied.head) !== this.digests.get(tied.table))
      refuseImport(where, tied.head, 'equal to the embedding (a tied head)', 'other numbers');
  }
}

function digestOf({buffer, byteOffset, byteLength}: Float32Array): string {
  const hash = startSha256();
  hash.add(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  return hash.hex();
}

/** Gives a model its weights. */
export class WeightsInto {
  private readonly weights: ReadonlyMap<string, HeldWeight>;
  private readonly check: TiedHeadCheck;

  constructor(
    private readonly layout: Layout,
    private readonly matches: Matches,
    model: LanguageModel,
  ) {
    this.weights = new Map(heldWeights(model.model).map(weight => [weight.name, weight]));
    this.check = new TiedHeadCheck(matches.tied);
  }

  take({name, data}: CheckpointTensor): void {
    const present = presentName(this.layout, name);
    this.check.see(present, data);
    for (const {parameter, place} of this.matches.byTensor.get(present) ?? []) {
      const weight = this.weights.get(parameter.name);
      if (weight === undefined) throw new Error(`the model has no ${parameter.name}`);
      weight.take(fromCheckpoint(data, place, parameter.shape));
    }
  }

  /** Errors: CheckpointImportError where a head that must be the embedding is another. */
  end(where: string): void {
    this.check.end(where);
  }
}
