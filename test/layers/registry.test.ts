// No layer is missing from the registry of tests, nor from the package's entry.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import * as entry from '../../layers/index.js';
import {layersOfOtherInputs, otherLayers, streamingLayers} from './mixers.js';

const folder = join(import.meta.dirname, '../../../layers');

/** Classes that the sources register for saving and loading. */
function registered(text: string): string[] {
  return [...text.matchAll(/^serialization\.registerClass\((\w+)\);$/gm)].map(([, name]) => name);
}

describe('registry of layers', () => {
  const sources = readdirSync(folder).map(file => readFileSync(join(folder, file), 'utf8'));
  const names = sources.flatMap(registered);
  const tested = Object.values({...streamingLayers, ...otherLayers, ...layersOfOtherInputs}).map(
    create => create().constructor.name,
  );

  it('every layer is tested', () => {
    expect(names).to.have.length.above(10);
    expect(names.filter(name => !tested.includes(name))).to.deep.equal([]);
  });

  it('every layer is exported', () => {
    expect(names.filter(name => !(name in entry))).to.deep.equal([]);
  });

  it('notices a layer that is registered', () => {
    expect(registered('class A {}\nserialization.registerClass(A);\n')).to.deep.equal(['A']);
  });
});
