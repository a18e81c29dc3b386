// What an editor shows at each setting of the package, where users write it: what the schema says, its default and its bounds.

import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect} from 'chai';
import type {Schema} from '../config/schema.js';
import {documentation, flag, integer} from '../config/schema.js';
import {LanguageServer} from './support/language-server.js';

const root = join(import.meta.dirname, '../..');

/** By schema: what users write before and behind the settings. */
const places: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  modelSchema: [
    ['createModel({', '})'],
    ['LanguageModel.create({', '})'],
    ['createSequenceModel({', '})'],
    ['parseModelConfig({', '})'],
    ['AutoEncoder.create({', '})'],
  ],
  layerPlanSchema: [['createModel({plan: [{', '}]})']],
  layerMixerSchema: [['createModel({plan: [{mixer: {', '}}]})']],
  memorySchema: [['withMemory(model, {', '})']],
  mixerSchema: [['new BMojoMixer({name: "mixer", ', '})']],
  causalConvSchema: [['new CausalConv1D({', '})']],
  linearHeadSchema: [['new LinearHead({', '})']],
  residualSchema: [['new ResidualBlock({layer: new SwiGLU(), ', '})']],
  rmsNormSchema: [['new RMSNorm({', '})']],
  rotarySchema: [['new RotaryEmbedding({', '})']],
  sequenceDecoderSchema: [['new SequenceDecoder({', '})']],
  shortConvSchema: [['new ShortConvMixer({', '})']],
  swigluSchema: [['new SwiGLU({', '})']],
  tokenEmbeddingSchema: [['new TokenEmbedding({', '})']],
  tiedHeadSchema: [['new TiedHead({', '})']],
  mambaSchema: [['new MambaMixer({', '})']],
  mamba2Schema: [['new Mamba2Mixer({', '})']],
  slidingWindowSchema: [['new SlidingWindowAttention({', '})']],
  graftSchema: [['graft(model, {', '})']],
  samplingSchema: [
    ['generate(model, {', '})'],
    ['generateText(model, {tokenizer, ', '})'],
    ['generateBatch(model, {prompts: [], ', '})'],
    ['generateTexts(model, {tokenizer, prompts: [], ', '})'],
    ['session.write({', '})'],
  ],
  trainSchema: [['parseTrainSettings({', '})']],
  mqarSchema: [['createMqar({', '})']],
  mqarMixtureSchema: [['createMqarMixture({', '})']],
  inductionHeadsSchema: [['createInductionHeads({', '})']],
  selectiveCopyingSchema: [['createSelectiveCopying({', '})']],
  needleSchema: [['createNeedle({', '})']],
  madCompressionSchema: [['createMadCompression({', '})']],
  madFuzzyRecallSchema: [['createMadFuzzyRecall({', '})']],
  madRecallSchema: [['createMadRecall({', '})']],
  madMemorizationSchema: [['createMadMemorization({', '})']],
  madNoisyRecallSchema: [['createMadNoisyRecall({', '})']],
  madSelectiveCopyingSchema: [['createMadSelectiveCopying({', '})']],
};

/** The schemas that the built files of the library export, by name. */
async function schemas(): Promise<ReadonlyMap<string, Schema>> {
  const found = new Map<string, Schema>();
  for (const room of ['data', 'layers', 'models', 'train']) {
    const files = readdirSync(join(root, 'dist', room), {recursive: true, encoding: 'utf8'});
    for (const file of files.filter(name => name.endsWith('.js'))) {
      const path = join(root, 'dist', room, file);
      if (!/^export const .*Schema\b/m.test(readFileSync(path, 'utf8'))) continue;
      const exported = (await import(pathToFileURL(path).href)) as Record<string, Schema>;
      for (const [name, value] of Object.entries(exported))
        if (name.endsWith('Schema') && typeof value === 'object') found.set(name, value);
    }
  }
  return found;
}

describe('an editor', function () {
  this.timeout(300_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-editor-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/bmojo'));
  });
  after(() => rmSync(folder, {recursive: true, force: true}));

  /** Every setting of every schema on a line of its own, written where users write it. */
  function program(all: ReadonlyMap<string, Schema>): string[] {
    const calls = [...all].flatMap(([name, schema]) =>
      places[name].flatMap(([before, behind]) => [
        before,
        ...Object.entries(schema).map(([key, field]) => `${key}: ${JSON.stringify(field.default)},`),
        `${behind};`,
      ]),
    );
    const names = calls
      .join('\n')
      .match(/(?<!\.)\b(?:create|parse|generate|graft|withMemory)\w*(?=\()|new \w+|\w+(?=\.create)/g);
    const wanted = [...new Set(names?.map(name => name.replace('new ', '')))];
    const ofData = wanted.filter(name => /^create(?!Model|SequenceModel)/.test(name));
    const own = wanted.filter(name => !ofData.includes(name) && name !== 'parseTrainSettings');
    return [
      `import {${own.join(', ')}, DecodingSession} from 'bmojo';`,
      `import {byteTokenizer, ${ofData.join(', ')}} from 'bmojo/data';`,
      "import {parseTrainSettings} from 'bmojo/train';",
      'const model = LanguageModel.create();',
      'const session = new DecodingSession(model);',
      'const tokenizer = byteTokenizer();',
      ...calls,
    ];
  }

  it('shows at every setting what it is, its default and its bounds', async () => {
    const all = await schemas();
    expect([...all.keys()]).to.have.members(Object.keys(places));
    const lines = program(all);
    writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
    writeFileSync(
      join(folder, 'tsconfig.json'),
      '{"compilerOptions": {"module": "nodenext", "strict": true, "types": [], "noEmit": true}, "files": ["main.ts"]}',
    );
    writeFileSync(join(folder, 'main.ts'), lines.join('\n'));
    const server = await LanguageServer.of(join(folder, 'main.ts'));
    const silent: string[] = [];
    try {
      expect(await server.faults()).to.deep.equal([]);
      let line = lines.indexOf('const tokenizer = byteTokenizer();') + 1;
      for (const [name, schema] of all) {
        for (const [before] of places[name]) {
          expect(lines[line++]).to.equal(before);
          for (const [key, field] of Object.entries(schema)) {
            const shown = await server.hover({line: line++, character: 0});
            if (!shown.includes(documentation(field))) silent.push(`${before}${key}: ${shown}`);
          }
          line++;
        }
      }
    } finally {
      await server.end();
    }
    expect(silent).to.deep.equal([]);
  });

  it('shows a sentence that is made of the setting', () => {
    expect(documentation(integer(2, 1, 1024, 'query heads H'))).to.equal(
      'Query heads H. Default 2; from 1 to 1024.',
    );
    expect(documentation(flag(true, 'a bias'))).to.equal('A bias. Default true.');
  });
});
