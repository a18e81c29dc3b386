import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {decodeSafetensors, encodeSafetensors, SafetensorsError} from '../../formats/safetensors.js';

const golden = join(import.meta.dirname, '../../../test/golden');

function file(header: unknown, body = 0, padding = ''): Uint8Array {
  const text = (typeof header === 'string' ? header : JSON.stringify(header)) + padding;
  const bytes = new Uint8Array(8 + text.length + body);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(new TextEncoder().encode(text), 8);
  return bytes;
}

const entry = (begin: number, end: number, more: object = {}): object => ({
  dtype: 'F32',
  shape: [(end - begin) / 4],
  data_offsets: [begin, end],
  ...more,
});

describe('safetensors', () => {
  it('gives back names, shapes, bits and metadata', () => {
    const tensors = [
      {name: 'block_0/q', shape: [2, 3], data: Float32Array.of(1, -0, 1e-40, 3.4e38, 5, 6)},
      {name: 'ids', shape: [], data: Int32Array.of(-7)},
      {name: 'é "x" \\', shape: [0, 4], data: new Float64Array(0)},
      {name: '7', shape: [1], data: Float64Array.of(Math.PI)},
    ];
    const bytes = encodeSafetensors(tensors, {attrs: '{"a":1}'});
    const decoded = decodeSafetensors(bytes);
    const byName = new Map(decoded.tensors.map(one => [one.name, one]));
    for (const one of tensors) expect(byName.get(one.name)).to.deep.equal(one);
    expect([...decoded.metadata]).to.deep.equal([['attrs', '{"a":1}']]);
    expect(new DataView(bytes.buffer).getUint32(0, true) % 8, 'data is aligned').to.equal(0);
  });

  it('reads files of other writers, bit for bit', () => {
    const bytes = readFileSync(join(golden, 'selective-scan-0.safetensors'));
    const {tensors, metadata} = decodeSafetensors(bytes);
    expect(tensors.map(one => one.name)).to.include.members(['in.u', 'out.y', 'grad.A']);
    expect(metadata.get('attrs')).to.be.a('string');
    const again = decodeSafetensors(encodeSafetensors(tensors, Object.fromEntries(metadata)));
    expect(again.tensors).to.deep.equal(tensors);
  });

  it('widens half floats', () => {
    const bytes = file(
      {
        h: {dtype: 'F16', shape: [4], data_offsets: [0, 8]},
        b: {dtype: 'BF16', shape: [2], data_offsets: [8, 12]},
      },
      12,
    );
    new Uint16Array(bytes.slice(-12).buffer).forEach((_, i) => {
      new DataView(bytes.buffer).setUint16(
        bytes.length - 12 + 2 * i,
        [0x3c00, 0xc100, 0x0001, 0x7bff, 0x3f80, 0xc2f7][i],
        true,
      );
    });
    const [h, b] = decodeSafetensors(bytes).tensors;
    expect([...h.data]).to.deep.equal([1, -2.5, 2 ** -24, 65504]);
    expect([...b.data]).to.deep.equal([1, -123.5]);
  });

  const whole = encodeSafetensors([{name: 'a', shape: [2], data: Float32Array.of(1, 2)}]);
  const bad: [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(5), 'too short'],
    ['a truncated file', whole.slice(0, -1), 'the file has'],
    ['trailing bytes', Uint8Array.of(...whole, 0), 'the file has'],
    ['a header beyond the file', whole.slice(0, 20), 'the header needs'],
    ['a huge header length', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), 'too long'],
    ['no JSON', file('{"a":'), 'must be JSON'],
    ['no object', file([1]), 'must be an object'],
    ['overlapping tensors', file({a: entry(0, 8), b: entry(4, 12)}, 12), 'overlap'],
    ['a gap', file({a: entry(0, 4), b: entry(8, 12)}, 12), 'overlap or leave gaps'],
    ['offsets that run backwards', file({a: entry(0, 8, {data_offsets: [8, 0]})}, 8), 'data_offsets'],
    ['fractional offsets', file({a: entry(0, 8, {data_offsets: [0.5, 8.5]})}, 8), 'data_offsets'],
    ['an overflowing shape', file({a: entry(0, 8, {shape: [2 ** 30, 2 ** 30]})}, 8), 'needs'],
    ['a negative shape', file({a: entry(0, 8, {shape: [-2]})}, 8), 'shape'],
    ['a shape that does not fit', file({a: entry(0, 8, {shape: [3]})}, 8), 'needs 12 bytes'],
    ['an unknown dtype', file({a: entry(0, 8, {dtype: 'Q4'})}, 8), 'dtype'],
    ['unknown entries', file({a: entry(0, 8, {more: 1})}, 8), 'unknown entries'],
    [
      'a repeated name',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      'twice',
    ],
    [
      'an escaped repeated name',
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      'twice',
    ],
    [
      'the name __proto__',
      file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      '__proto__',
    ],
    ['metadata that is not text', file({__metadata__: {a: 1}}), 'must be text'],
  ];
  for (const [what, bytes, words] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => decodeSafetensors(bytes)).to.throw(SafetensorsError, words);
    });
  }

  it('refuses numbers that are not finite unless asked', () => {
    const bytes = encodeSafetensors([{name: 'a', shape: [2], data: Float32Array.of(1, Number.NaN)}]);
    expect(() => decodeSafetensors(bytes)).to.throw(SafetensorsError, 'not finite');
    expect(decodeSafetensors(bytes, {allowNonFinite: true}).tensors[0].data[1]).to.be.NaN;
  });

  it('does not write a name twice or data that its shape does not hold', () => {
    const one = {name: 'a', shape: [1], data: Float32Array.of(1)};
    expect(() => encodeSafetensors([one, one])).to.throw(SafetensorsError, 'not free');
    expect(() => encodeSafetensors([{...one, shape: [2]}])).to.throw(SafetensorsError, 'has 1 numbers');
  });
});
