// bmojo: operators, layers and models. Training, evaluation and data are subpaths: bmojo/train, bmojo/eval, bmojo/data.

export {SettingError} from './config/schema.js';
export * from './custom-ops/index.js';
export * from './layers/index.js';
export * from './models/index.js';
