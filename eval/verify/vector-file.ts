// A file of test vectors: inputs `in.*`, results `out.*`, gradients `grad.*`, attributes as JSON in the metadata.
// The format is described in test/golden/README.md.

import type {NamedTensorData} from '../../formats/safetensors.js';
import {decodeSafetensors} from '../../formats/safetensors.js';

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

/** Errors: SafetensorsError for a malformed file, SyntaxError for attributes that are not JSON. */
export function readVectorFile(bytes: Uint8Array): VectorFile {
  const {tensors, metadata} = decodeSafetensors(bytes);
  return {
    inputs: section(tensors, 'in.'),
    outputs: section(tensors, 'out.'),
    gradients: section(tensors, 'grad.'),
    attrs: JSON.parse(metadata.get('attrs') ?? '{}'),
  };
}

/** `gradFinalState` for `finalState`: the name of an output's cotangent among the inputs. */
export function cotangentName(output: string): string {
  return `grad${output[0].toUpperCase()}${output.slice(1)}`;
}
