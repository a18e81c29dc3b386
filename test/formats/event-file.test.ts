import {expect} from 'chai';
import {crc32c, maskedCrc32c} from '../../formats/crc32c.js';
import {fileHeader, scalarEvent, settingsEvent, textEvent} from '../../formats/event-file.js';

describe('event files', () => {
  it('checksums give the known answers of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).to.equal(0x62a8ab43);
    expect(crc32c(Uint8Array.from({length: 32}, (_, i) => i))).to.equal(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('123456789'))).to.equal(0xe3069283);
  });

  it('records frame their data with length and masked checksums', () => {
    const bytes = fileHeader(0);
    const view = new DataView(bytes.buffer);
    const length = Number(view.getBigUint64(0, true));
    expect(bytes).to.have.lengthOf(16 + length);
    expect(view.getUint32(8, true)).to.equal(maskedCrc32c(bytes.subarray(0, 8)));
    expect(view.getUint32(12 + length, true)).to.equal(maskedCrc32c(bytes.subarray(12, 12 + length)));
    expect(new TextDecoder().decode(bytes.subarray(12))).to.include('brain.Event:2');
  });

  it('hold texts and settings for the plugins that show them', () => {
    const words = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
    const text = words(textEvent(0, 7, 'valid/text', 'ROMEO'));
    for (const part of ['valid/text', 'text', 'ROMEO']) expect(text).to.include(part);
    const settings = words(settingsEvent(1, {window: 8, preset: 'bmojo', mlp: true}));
    for (const part of ['_hparams_/session_start_info', 'hparams', 'window', 'preset', 'bmojo', 'mlp'])
      expect(settings).to.include(part);
  });

  it('large steps are base-128 numbers', () => {
    const bytes = scalarEvent(0, 300, {});
    // After the record's 12 bytes: field 1 (9 bytes), then tag 0x10 and 300 = 0b10_0101100.
    expect([...bytes.subarray(21, 24)]).to.deep.equal([0x10, 0xac, 0x02]);
  });
});
