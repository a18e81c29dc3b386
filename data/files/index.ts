// Corpora, token files and tokenizers on disk (Node only).

export type {Corpus, CorpusFile} from './corpora.js';
export {fetchCorpus, readManifest, resolveFiles} from './corpora.js';
export type {DataFolder, DataSummary, SplitName, SplitSummary} from './data-folder.js';
export {checkSameTokenizer, closeData, openData, readTokenizer} from './data-folder.js';
export {CorpusError} from './documents.js';
export type {PrepareOptions} from './prepare.js';
export {prepareData} from './prepare.js';
export {TokenFile} from './token-file.js';
export {TokenFileError} from './token-format.js';
export {TokenWriter} from './token-writer.js';
export type {TrainedTokenizer, TrainTokenizerOptions} from './train-tokenizer.js';
export {trainTokenizer} from './train-tokenizer.js';
export {verifyData} from './verify.js';
