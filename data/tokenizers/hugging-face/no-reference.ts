// Stands in for reference.ts where there is no Node.

import type {InnerTokenizer} from './inner.js';

export function openReference(_json: string): InnerTokenizer | undefined {
  return undefined;
}
