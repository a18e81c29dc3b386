// File formats, from bytes to values and back; no tensor library and no Node.

export {crc32c, maskedCrc32c} from './crc32c.js';
export {fileHeader, scalarEvent, sessionStart} from './event-file.js';
export type {DecodeOptions, NamedTensorData, SafetensorsData, SafetensorsFile} from './safetensors.js';
export {decodeSafetensors, encodeSafetensors, SafetensorsError} from './safetensors.js';
