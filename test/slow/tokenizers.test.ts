// The laws of tokenizers on twelve times as many texts.

process.env.BMOJO_TOKENIZER_TEXTS = '1500';
await import('../data/tokenizer-differential.test.js');
await import('../data/tokenizer-cuts.test.js');

export {};
