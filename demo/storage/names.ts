// Names of models in the browser, from what they were called outside.

/** The folder's own name; of a run's folder its parent's too, since `model` alone says nothing. */
export function droppedName(source: string): string {
  const parts = source.split('/').filter(part => part !== '');
  const last = parts.at(-1) ?? 'model';
  return /^(model|model-best|best)$/.test(last) && parts.length > 1 ? `${parts.at(-2)}-${last}` : last;
}
