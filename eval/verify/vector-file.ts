// A file of test vectors: inputs `in.*`, results `out.*`, gradients `grad.*`, attributes as JSON in the metadata.
// The format is described in test/golden/README.md.

import {isRecord, parseJson} from '../../formats/json-text.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import {decodeSafetensors, SafetensorsError} from '../../formats/safetensors.js';

export interface VectorFile {
  readonly inputs: ReadonlyMap<string, NamedTensorData>;
  readonly outputs: ReadonlyMap<string, NamedTensorData>;
  readonly gradients: ReadonlyMap<string, NamedTensorData>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

function section(tensors: readonly NamedTensorData[], prefix: string): Map<string, NamedTensorData> {
  return new Map(
    tensors
      .filter(({name}) => name.startsWith(prefix))
      .map(tensor => [tensor.name.slice(prefix.length), tensor]),
  );
}

function fail(reason: string): never {
  throw new SafetensorsError(`vector file: attrs ${reason}`);
}

/** Errors: SafetensorsError for a malformed file, and for attributes that are no object in JSON. */
export function readVectorFile(bytes: Uint8Array): VectorFile {
  const {tensors, metadata} = decodeSafetensors(bytes);
  const attrs = parseJson(metadata.get('attrs') ?? '{}', fail);
  return {
    inputs: section(tensors, 'in.'),
    outputs: section(tensors, 'out.'),
    gradients: section(tensors, 'grad.'),
    attrs: isRecord(attrs) ? attrs : fail('must be an object'),
  };
}

/** `gradFinalState` for `finalState`: the name of an output's cotangent among the inputs. */
export function cotangentName(output: string): string {
  return `grad${output[0].toUpperCase()}${output.slice(1)}`;
}
