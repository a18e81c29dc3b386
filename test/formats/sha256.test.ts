// Node's SHA-256 and the one for browsers are the same function.

import {expect} from 'chai';
import {sha256Of} from '../../formats/sha256/index.js';
import {startSha256 as startNode} from '../../formats/sha256/node.js';
import {startSha256 as startPortable} from '../../formats/sha256/portable.js';

describe('SHA-256', () => {
  it('of nothing and of "abc" is that of FIPS 180-4', () => {
    expect(sha256Of(new Uint8Array(0))).to.equal(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(sha256Of(new TextEncoder().encode('abc'))).to.equal(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('is the same in Node and in browsers, whatever the pieces', () => {
    const [node, portable] = [startNode(), startPortable()];
    const bytes = Uint8Array.from({length: 5000}, (_, i) => (i * i) % 251);
    for (let at = 0, length = 0; at < bytes.length; at += length, length = (3 * length + 1) % 200) {
      node.add(bytes.subarray(at, at + length));
    }
    portable.add(bytes);
    expect(portable.hex()).to.equal(node.hex());
  });
});
