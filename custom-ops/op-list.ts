// The operators of registry.ts by name and as a list, in alphabetical order.

import type {OpDefinition} from './op.js';
import * as ops from './registry.js';

export {ops};

export type OpName = keyof typeof ops;

export const opList: readonly OpDefinition[] = Object.values(ops satisfies Record<string, OpDefinition>);
