// Accuracy as MAD counts it: the mean recall of the classes of a batch, then the mean over batches.

export interface ClassAnswer {
  /** Number of the sample that asked. */
  readonly sample: number;
  readonly label: number;
  readonly predicted: number;
}

/** Samples of a test batch in MAD's protocol. */
const GROUP = 128;

/**
 * For each group of 128 samples in a row: the share of right answers of every class, averaged over the classes that occur
 * in the group as a label or as an answer; an answer that is never wanted counts as a class with no right answer.
 * Then the mean over groups; 0 without answers. Source: MulticlassAccuracy of torchmetrics with average 'macro'.
 */
export function classAccuracy(answers: readonly ClassAnswer[]): number {
  const groups = new Map<number, Map<number, {right: number; wanted: number}>>();
  for (const {sample, label, predicted} of answers) {
    const number = Math.floor(sample / GROUP);
    const classes = groups.get(number) ?? new Map<number, {right: number; wanted: number}>();
    groups.set(number, classes);
    for (const one of [label, predicted]) if (!classes.has(one)) classes.set(one, {right: 0, wanted: 0});
    const counts = classes.get(label) as {right: number; wanted: number};
    counts.wanted++;
    if (label === predicted) counts.right++;
  }
  const means = [...groups.values()].map(classes => {
    const recalls = [...classes.values()].map(({right, wanted}) => (wanted === 0 ? 0 : right / wanted));
    return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
  });
  return means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, means.length);
}
