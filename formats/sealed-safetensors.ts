// Safetensors files that carry the SHA-256 of themselves, so that a changed number is told from the one written.

import type {NamedTensorData, SafetensorsFile} from './safetensors.js';
import {decodeSafetensors, encodeSafetensors, SafetensorsError} from './safetensors.js';
import {sha256Of} from './sha256/index.js';

const KEY = 'sha256';

/** As `encodeSafetensors`, with the digest among the metadata. */
export function encodeSealed(
  tensors: readonly NamedTensorData[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return encodeSafetensors(tensors, {...metadata, [KEY]: sha256Of(encodeSafetensors(tensors, metadata))});
}

/** As `decodeSafetensors`; files without a digest are those of earlier versions. Errors: SafetensorsError also for a digest of something else. */
export function decodeSealed(bytes: Uint8Array): SafetensorsFile {
  const file = decodeSafetensors(bytes);
  const metadata = new Map(file.metadata);
  const expected = metadata.get(KEY);
  metadata.delete(KEY);
  if (
    expected !== undefined &&
    sha256Of(encodeSafetensors(file.tensors, Object.fromEntries(metadata))) !== expected
  )
    throw new SafetensorsError(
      'safetensors: the file is damaged or was changed: its SHA-256 is not the one in it',
    );
  return {tensors: file.tensors, metadata};
}
