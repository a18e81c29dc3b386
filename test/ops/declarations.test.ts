// What generated tables rely on: registry and folders say the same, definitions declare all that kernels are given, and no
// operator needs another's folder.

import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {nativeScalars, varyingNumbers} from '../../custom-ops/native-numbers.js';
import type {AttributeSpec} from '../../custom-ops/op.js';
import {gradName, shapeTokens} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {caseDims} from '../../custom-ops/sampling.js';

const root = join(import.meta.dirname, '../../../custom-ops');
const folders = readdirSync(root).filter(name => existsSync(join(root, name, 'definition.ts')));

function isOf(spec: AttributeSpec, value: number | boolean | string): boolean {
  if (spec.type === 'word') return spec.words.includes(String(value));
  if (spec.type === 'bool') return typeof value === 'boolean';
  if (spec.type === 'int') return Number.isInteger(value) && Number(value) >= (spec.least ?? -Infinity);
  return typeof value === 'number';
}

describe('folders of operators', () => {
  it('are those of the registry, a line each', () => {
    const registry = readFileSync(join(root, 'registry.ts'), 'utf8');
    const named = [...registry.matchAll(/from '\.\/(.+)\/definition\.js'/g)].map(match => match[1]);
    expect(named).to.deep.equal(folders.sort());
  });

  for (const folder of folders) {
    it(`${folder} is whole`, () => {
      for (const file of ['README.md', 'composed.ts', 'index.ts', 'kernel.h', 'op_tf.cc', 'reference.ts'])
        expect(existsSync(join(root, folder, file)), file).to.equal(true);
    });

    it(`${folder} needs no other operator`, () => {
      const others = folders.filter(other => other !== folder).join('|');
      const reach = new RegExp(`(from '\\.\\./|#include ")(${others})/`);
      const found = readdirSync(join(root, folder)).filter(file =>
        reach.test(readFileSync(join(root, folder, file), 'utf8')),
      );
      expect(found).to.deep.equal([]);
    });
  }
});

/** Code below custom-ops and in scripts that is of no op's folder, without comments. */
function sharedCode(): [path: string, code: string][] {
  const isOwn = (path: string) => folders.some(folder => path.startsWith(`custom-ops/${folder}/`));
  return ['custom-ops', 'scripts'].flatMap(top =>
    readdirSync(join(root, '..', top), {recursive: true, encoding: 'utf8'})
      .map(path => `${top}/${path}`)
      .filter(path => /\.(ts|mjs|cc|h|cu|cuh|gyp)$/.test(path) && !/node_modules|\.generated\./.test(path))
      .filter(path => !isOwn(path) && path !== 'custom-ops/registry.ts')
      .map(path => [
        path,
        readFileSync(join(root, '..', path), 'utf8').replace(/^\s*(\/\/|\/?\*|#).*$/gm, ''),
      ]),
  );
}

describe('code that all operators share', () => {
  it('names none of them', () => {
    const symbols = opList.flatMap(({name, forward, backward}) => [
      name,
      forward.native.symbol,
      ...(backward === undefined ? [] : [backward.native.symbol]),
    ]);
    // Words of their own too: a folder of tfjs's, a linear buffer.
    const words = [...symbols, ...folders].filter(word => word !== 'linear');
    const named = new RegExp(`(?<![\\w.-])(${words.join('|')})(?![\\w-])`);
    const found = sharedCode().flatMap(([path, code]) =>
      named.test(code) ? [`${path}: ${named.exec(code)?.[0]}`] : [],
    );
    expect(found).to.deep.equal([]);
  });
});

describe('declarations', () => {
  for (const op of opList) {
    const ports = [...Object.values(op.inputs), ...Object.values(op.outputs)];
    const letters = new Set([
      ...ports.flatMap(({shape}) => shapeTokens(shape)),
      ...Object.keys(op.derivedDims ?? {}),
    ]);

    it(`${op.name} declares the attributes of its cases`, () => {
      for (const {name, attrs} of op.cases) {
        expect(Object.keys(attrs), name).to.have.members(Object.keys(op.attributes));
        for (const [attribute, spec] of Object.entries(op.attributes))
          expect(isOf(spec, attrs[attribute]), `${name}: ${attribute} = ${attrs[attribute]}`).to.equal(true);
      }
    });

    it(`${op.name} names what its kernels are given`, () => {
      const kernels = op.backward === undefined ? [op.forward] : [op.forward, op.backward];
      const varying = varyingNumbers(op).names;
      for (const {native} of kernels) {
        for (const scalar of native.scalars) {
          if (varying.includes(scalar) || (scalar in op.attributes && !op.attributes[scalar].varies))
            continue;
          for (const letter of shapeTokens(scalar)) expect([...letters], scalar).to.include(letter);
        }
        for (const one of op.cases) {
          const numbers = nativeScalars(op, native, caseDims(op, one), one.attrs);
          expect(numbers).to.have.length(native.scalars.length);
          expect(numbers.every(Number.isFinite), `${one.name}: ${numbers}`).to.equal(true);
          expect(Math.min(...numbers.filter((_, i) => native.scalars[i] in op.attributes), 0)).to.be.gte(
            -100,
          );
        }
      }
    });

    it(`${op.name} has a backward kernel where an input is differentiable`, () => {
      const names = Object.keys(op.inputs).filter(name => op.inputs[name].differentiable);
      expect(names.map(gradName).length > 0).to.equal(op.backward !== undefined);
    });
  }
});
