// bmojo: operators, layers and models. The rest are subpaths: bmojo/ops, /config, /data, /data/files, /formats, /memory, /eval,
// /train, /runs and /node; those for files on disk are /data/files, /runs and /node.

export {SettingError} from './config/schema.js';
export * from './custom-ops/index.js';
export type {ErrorKind} from './errors/bmojo-error.js';
export {BmojoError} from './errors/bmojo-error.js';
export * from './layers/index.js';
export * from './models/index.js';
