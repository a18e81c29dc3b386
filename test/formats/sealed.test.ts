// Files that carry their own digest: any change is told, and files of earlier versions are read.

import {expect} from 'chai';
import {sealedJson, unsealJson} from '../../formats/json-file.js';
import {nestsDeeper, parseJson} from '../../formats/json-text.js';
import {asFloat32, encodeSafetensors, SafetensorsError} from '../../formats/safetensors.js';
import {decodeSealed, encodeSealed} from '../../formats/sealed-safetensors.js';

const fail = (reason: string): never => {
  throw new Error(reason);
};

describe('sealed files', () => {
  it('JSON: what was written comes back; another number, name or order of a list does not', () => {
    const value = {b: [1, 2, {c: 'é\u2028'}], a: -0, e: 1e-7, 2: 'x', nothing: undefined};
    const text = sealedJson(value);
    expect(unsealJson(text, fail)).to.deep.equal({value: JSON.parse(JSON.stringify(value)), sealed: true});
    expect(unsealJson(text.replaceAll(/\s*\n\s*/g, ' '), fail).sealed, 'laid out otherwise').to.equal(true);
    for (const [from, to] of [
      ['1e-7', '2e-7'],
      ['"b"', '"d"'],
      ['"x"', '"y"'],
      ['\n    1,\n    2,', '2, 1,'],
    ]) {
      expect(text).to.include(from);
      expect(() => unsealJson(text.replace(from, to), fail)).to.throw('its SHA-256 is not the one in it');
    }
    expect(unsealJson('{"a":1}', fail)).to.deep.equal({value: {a: 1}, sealed: false});
    expect(() => unsealJson('[1]', fail)).to.throw('must hold an object');
  });

  it('safetensors: a bit of a number or of the metadata is told', () => {
    const tensors = [{name: 'a', shape: [3], data: Float32Array.of(1, 2, 3)}];
    const bytes = encodeSealed(tensors, {position: '17'});
    expect(decodeSealed(bytes)).to.deep.equal({tensors, metadata: new Map([['position', '17']])});
    const changed = bytes.slice();
    changed[changed.length - 2] ^= 1;
    expect(() => decodeSealed(changed)).to.throw(SafetensorsError, 'its SHA-256 is not the one in it');
    const text = Buffer.from(bytes).toString('latin1').replace('"17"', '"18"');
    expect(() => decodeSealed(Buffer.from(text, 'latin1'))).to.throw(SafetensorsError, 'its SHA-256');
    expect(decodeSealed(encodeSafetensors(tensors, {position: '17'})).tensors).to.deep.equal(tensors);
  });

  it('JSON of any depth and length is refused without a stack', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(parseJson(deep(150), fail)).to.be.an('array');
    expect(() => parseJson(deep(1_000_000), fail)).to.throw('nests deeper');
    expect(nestsDeeper(JSON.stringify('['.repeat(5000)))).to.equal(false);
    expect(nestsDeeper(JSON.stringify({'"{': '\\"{{'}), 1)).to.equal(false);
  });

  it('float64 numbers that float32 cannot hold are refused', () => {
    const wide = (value: number) => ({name: 'w', shape: [1], data: Float64Array.of(value)});
    expect(asFloat32(wide(0.1))[0]).to.be.closeTo(0.1, 1e-8);
    expect(() => asFloat32(wide(1e39))).to.throw(SafetensorsError, 'w holds 1e+39, which float32 cannot');
    expect(() => asFloat32({name: 'i', shape: [1], data: Int32Array.of(1)})).to.throw(
      SafetensorsError,
      'float',
    );
  });
});
