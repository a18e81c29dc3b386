// The public names are those that are kept, and each says what it is: the pages of the API are made of docstrings alone.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {docstringFaults, memberFaults} from './support/docstring-rules.js';
import {KEPT, publicNames, publicNamesJson, subpathFiles} from './support/public-names.js';

const root = join(import.meta.dirname, '../..');

describe('public names', () => {
  it('are the kept ones', () => {
    const kept = readFileSync(join(root, KEPT), 'utf8');
    expect(publicNamesJson(root), `npm run docs writes ${KEPT}`).to.equal(kept);
  });

  it('have docstrings that say enough', () => {
    const faults = [...publicNames(root)].flatMap(([path, names]) =>
      names.flatMap(name => docstringFaults(name).map(fault => `${path} ${name.kind} ${name.name} ${fault}`)),
    );
    expect(faults.join('\n')).to.equal('');
  });

  it('say what each member is where users write them', () => {
    const faults = [...publicNames(root)].flatMap(([path, names]) =>
      names.flatMap(name => memberFaults(name).map(fault => `${path} ${name.kind} ${name.name} ${fault}`)),
    );
    expect(faults.join('\n')).to.equal('');
    const options = (declaration: string) => memberFaults({name: 'SomeOptions', declaration});
    expect(options('interface SomeOptions {\n    a: number;\n}')).to.deep.equal(['has no comment at a']);
    expect(options('interface SomeOptions {\n    /** A number. */\n    a: number;\n}')).to.deep.equal([]);
    expect(options("interface SomeOptions extends Omit<Others, 'b'> {\n}")).to.have.length(1);
  });

  it('are what docstrings link to, within a subpath', () => {
    const dangling = [...publicNames(root)].flatMap(([path, names]) => {
      const known = new Set(names.map(({name}) => name));
      return names.flatMap(({name, docstring, declaration}) =>
        [...`${docstring}\n${declaration}`.matchAll(/\{@link\s[\s*]*(\w+)/g)]
          .filter(([, target]) => !known.has(target))
          .map(([link]) => `${path} ${name} ${link}}`),
      );
    });
    expect(dangling.join('\n')).to.equal('');
  });

  it('are on the pages of the API, from all subpaths', () => {
    const {entryPoints} = JSON.parse(readFileSync(join(root, 'scripts/api/typedoc.json'), 'utf8'));
    const sources = [...subpathFiles(root).values()].map(file =>
      file.replace('./dist/', '../../').replace(/\.d\.ts$/, '.ts'),
    );
    expect(entryPoints).to.have.members(sources);
  });

  describe('docstrings', () => {
    const faultsOf = (docstring: string, declaration = '', code = '') =>
      docstringFaults({docstring, declaration, code});
    const sentence = 'Adds two things to each other.';

    it('are a sentence, which what they say of errors is not', () => {
      expect(faultsOf(sentence)).to.deep.equal([]);
      expect(faultsOf('')[0]).to.include('no docstring');
      expect(faultsOf('Adds two things.')[0]).to.include("not 'Adds two things.'");
      expect(faultsOf('Adds two things to each other')[0]).to.include('full sentence');
      expect(faultsOf('Errors: SettingError for an unknown name of a task.')[0]).to.include("not ''");
    });

    it('name shapes where there are tensors', () => {
      const declaration = 'export declare function add(x: Tensor3D): Tensor3D;';
      expect(faultsOf(sentence, declaration)[0]).to.include('shapes');
      expect(faultsOf(`${sentence}\n\nShapes: x [B, L, D].`, declaration)).to.deep.equal([]);
      expect(
        faultsOf(sentence, 'interface Inputs {\n  /** [B, L, H, Dh]. */\n  q: Tensor4D;\n}'),
      ).to.deep.equal([]);
      expect(
        faultsOf(sentence, 'interface Inputs {\n  /** A Tensor2D. */\n  count: number;\n}'),
      ).to.deep.equal([]);
    });

    it('say what is refused', () => {
      const code = "export function add(x) {\n  if (x < 0) throw new Error('x must be positive');\n}";
      expect(faultsOf(sentence, '', code)[0]).to.include('Errors: ');
      expect(faultsOf(`${sentence} Errors: Error for a negative x.`, '', code)).to.deep.equal([]);
    });
  });
});
