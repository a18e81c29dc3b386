// card.json: what the model of a folder is, where it comes from, and every file of the folder with its digest.

import type {ModelConfig} from '../config.js';
import type {FolderDType} from './weights.js';

/** The form of card.json that this version writes, and the newest that it reads. */
export const CARD_FORMAT = 1;

/** A file of a model folder as its card lists it: name, bytes, SHA-256. */
export interface FileEntry {
  /** Name inside the folder: letters, digits, `.`, `_`, `-`. */
  readonly path: string;
  readonly bytes: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Settings by name, as a card keeps them: words, numbers, true or false. */
export type PlainSettings = Readonly<Record<string, string | number | boolean>>;

/** How the weights were trained: on what task, how far, where, and with which settings. */
export interface CardTraining {
  readonly task: string;
  /** Updates behind these weights. */
  readonly step: number;
  /** Those of the run's last update, or of its best evaluation. */
  readonly weights: 'last' | 'best';
  readonly backend: string;
  /** All training settings, the seed of the samples among them. */
  readonly settings: PlainSettings;
  /** The latest evaluation of these weights or of earlier ones of the run. */
  readonly evaluation?: CardEvaluation;
}

/** What an evaluation of the weights found, and how old they were then. */
export interface CardEvaluation {
  /** Updates behind the weights that were evaluated. */
  readonly step: number;
  /** Numbers by name; what they mean depends on the task. */
  readonly report: Readonly<Record<string, unknown>>;
}

/** What the weights were trained on: the task's settings, and the digest of its tokens. */
export interface CardData {
  /** Settings of the task; folders without the path to them. */
  readonly settings: PlainSettings;
  /** SHA-256 of the training tokens, where they lay in files. */
  readonly sha256?: string;
}

/** How text is written with a language model, where that is more than its tokenizer says. */
export interface CardGeneration {
  /** Ids that end a text. Default: the tokenizer's end of text. */
  readonly stopTokens?: readonly number[];
  /** Ids that the model expects before a text. Default: none. */
  readonly startTokens?: readonly number[];
  /** The template for conversations with its special tokens, as tokenizer_config.json has them: what `ChatTemplate.toJSON` gives. */
  readonly chatTemplate?: Readonly<Record<string, unknown>>;
}

/**
 * What card.json holds. All but `evaluation.report` is checked when it is read; entries that this version does not know are
 * passed over.
 */
export interface ModelCard {
  /** Form of this file; a reader refuses later ones than it knows. */
  readonly format: typeof CARD_FORMAT;
  /** Version of bmojo that wrote the folder. */
  readonly bmojo: string;
  /** One line for people. */
  readonly title: string;
  /** When the folder was written, ISO 8601. */
  readonly date: string;
  /** The last command that trained the run, where it was a command; absolute paths without their folders. */
  readonly command?: string;
  readonly model: {
    /** All settings of the model, the seed of its first weights among them. */
    readonly config: ModelConfig;
    /** Trained numbers. */
    readonly parameters: number;
  };
  readonly training?: CardTraining;
  readonly data?: CardData;
  /** Language models: `digest` says what the ids mean, however the file is laid out. */
  readonly tokenizer?: {readonly digest: string; readonly vocabSize: number};
  readonly generation?: CardGeneration;
  readonly weights: {
    /**
     * SHA-256 of the weights as one safetensors file of float32 in the order of model.json: equal weights have equal digests,
     * however they are stored and cut, and a run's checkpoint of the same weights has this one too. Rounded weights are others.
     */
    readonly sha256: string;
    readonly bytes: number;
    /** How numbers lie in the shards; every model computes from float32. */
    readonly storage: FolderDType;
  };
  /** All files but card.json itself. */
  readonly files: readonly FileEntry[];
}
