// MAD's difficulty settings: from each task's baseline one variable is changed at a time (configs/tasks of athms/mad-lab).

export const madTaskNames = [
  'mad-recall',
  'mad-fuzzy-recall',
  'mad-noisy-recall',
  'mad-selective-copying',
  'mad-compression',
  'mad-memorization',
] as const;
export type MadTaskName = (typeof madTaskNames)[number];

/** What a setting changes: nothing, or one variable of its task. */
export const madVariables = ['baseline', 'vocabulary', 'length', 'examples', 'noise', 'tokens'] as const;
export type MadVariable = (typeof madVariables)[number];

/** One of MAD's difficulty settings of a task: its baseline with at most one variable changed. */
export interface MadSetting {
  readonly task: MadTaskName;
  readonly variable: MadVariable;
  /** Unique within its task, fit for a folder. */
  readonly name: string;
  /** Data settings that differ from the task's defaults. */
  readonly data: Readonly<Record<string, number>>;
}

type Changes = readonly (readonly [MadVariable, string, readonly number[]])[];

const examples: Changes = [['examples', 'trainExamples', [6400, 3200, 1600, 800]]];
const recall: Changes = [
  ['vocabulary', 'vocabSize', [32, 64, 128]],
  ['length', 'length', [256, 512, 1024]],
  ...examples,
];

const changes: Readonly<Record<MadTaskName, Changes>> = {
  'mad-recall': recall,
  'mad-fuzzy-recall': recall,
  'mad-noisy-recall': [
    ['vocabulary', 'vocabSize', [48, 80, 144]],
    ['length', 'length', [256, 512, 1024]],
    ...examples,
    ['noise', 'noiseShare', [0.4, 0.6, 0.8]],
  ],
  'mad-selective-copying': [
    ['vocabulary', 'vocabSize', [32, 64, 128]],
    ['length', 'length', [512, 1024]],
    ...examples,
    ['tokens', 'tokens', [32, 64, 96]],
  ],
  'mad-compression': [
    ['vocabulary', 'vocabSize', [32, 64, 128]],
    ['length', 'length', [64, 128, 256]],
    ...examples,
  ],
  'mad-memorization': [['vocabulary', 'vocabSize', [512, 1024, 2048, 4096, 8192]]],
};

/** The settings of some tasks, and of some variables of them. Default: all of them, 66. */
export function madSettings(
  tasks: readonly MadTaskName[] = madTaskNames,
  variables: readonly MadVariable[] = madVariables,
): MadSetting[] {
  return tasks
    .flatMap(task => [
      {task, variable: 'baseline' as const, name: 'baseline', data: {}},
      ...changes[task].flatMap(([variable, key, values]) =>
        values.map(value => ({task, variable, name: `${key}-${value}`, data: {[key]: value}})),
      ),
    ])
    .filter(({variable}) => variables.includes(variable));
}

/** Learning rates and weight decays that every setting is trained with; the best run counts. */
export const madRates = [1e-4, 5e-4, 1e-3] as const;
export const madDecays = [0, 0.1] as const;
/** Passes over the training samples. */
export const madPasses = 200;
/** The learning rate at the end of the cosine. */
export const madLeastRate = 1e-6;
