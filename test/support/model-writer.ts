// A process that writes one model folder over the other, again and again, until it is killed: for tests of what is left.

import {useBackend} from '../../custom-ops/index.js';
import {LanguageModel} from '../../models/index.js';
import {writeModelFolder} from '../../models/node.js';

await useBackend('cpu');
const models = [1, 2].map(seed =>
  LanguageModel.create({vocabSize: 64, dModel: 64, layers: 2, heads: 2, seed}),
);
for (let turn = 0; ; turn++) {
  await writeModelFolder(
    process.argv[2],
    {model: models[turn % 2], title: `turn ${turn}`},
    {shardBytes: 40_000},
  );
  process.send?.(turn);
}
