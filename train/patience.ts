// Early stopping: when a held-out score has stopped getting better.

/** Whether the last `patience` scores were all no better, smaller being better, than the best before them; 0: never. */
export function isExhausted(scores: readonly number[], patience: number): boolean {
  if (patience === 0 || scores.length <= patience) return false;
  const before = Math.min(...scores.slice(0, -patience));
  return scores.slice(-patience).every(score => !(score < before));
}
