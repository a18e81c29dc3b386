// The command's comparison holds on every backend, and notices a wrong vector, an unknown name and a broken file.

import {copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import type {VerifyRow} from '../../eval/verify/verify.js';
import {verifyFiles} from '../../eval/verify/verify.js';
import {vectorFiles} from '../../experiments/vectors.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import {decodeSafetensors, encodeSafetensors} from '../../formats/safetensors.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';

const golden = join(import.meta.dirname, '../../../test/golden');

async function rowsOf(folder: string): Promise<VerifyRow[]> {
  const rows: VerifyRow[] = [];
  for await (const row of verifyFiles(vectorFiles(folder))) rows.push(row);
  return rows;
}

describe('verify', () => {
  for (const backend of readableBackends) {
    it(`every golden vector within tolerance on ${backend}, layers included`, async function () {
      await useReadableBackend(this, backend);
      const before = memory().numTensors;
      const rows = await rowsOf(golden);
      expect(rows.filter(row => !row.passed)).to.deep.equal([]);
      expect(new Set(rows.map(row => row.subject)).size).to.equal(7);
      expect(rows.length).to.be.greaterThan(150);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
    });
  }

  describe('notices', () => {
    let folder: string;
    before(() => useBackend('cpu'));
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'bmojo-verify-'));
    });
    afterEach(() => rmSync(folder, {recursive: true, force: true}));

    it('a wrong value', async () => {
      const {tensors, metadata} = decodeSafetensors(
        readFileSync(join(golden, 'causal-conv1d-0.safetensors')),
      );
      const y = tensors.find(({name}) => name === 'out.y');
      if (y === undefined) throw new Error('no out.y');
      y.data[3] += 0.01;
      writeFileSync(
        join(folder, 'causal-conv1d-0.safetensors'),
        encodeSafetensors(tensors, Object.fromEntries(metadata)),
      );
      const failed = (await rowsOf(folder)).filter(row => !row.passed);
      expect(failed.map(row => row.quantity)).to.deep.equal(['out.y']);
    });

    it('a name of no function', async () => {
      copyFileSync(join(golden, 'causal-conv1d-0.safetensors'), join(folder, 'unknown-0.safetensors'));
      const [row] = await rowsOf(folder);
      expect(row.passed).to.equal(false);
      expect(row.message).to.match(/no function is known/);
    });

    it('a truncated file', async () => {
      const bytes = readFileSync(join(golden, 'causal-conv1d-0.safetensors'));
      writeFileSync(join(folder, 'causal-conv1d-0.safetensors'), bytes.subarray(0, 1000));
      const [row] = await rowsOf(folder);
      expect(row.passed).to.equal(false);
    });

    const rewritten = (change: (tensors: NamedTensorData[]) => NamedTensorData[], attrs?: string): void => {
      const {tensors, metadata} = decodeSafetensors(readFileSync(join(golden, 'innovation-0.safetensors')));
      const own = {...Object.fromEntries(metadata), ...(attrs === undefined ? {} : {attrs})};
      writeFileSync(join(folder, 'innovation-0.safetensors'), encodeSafetensors(change([...tensors]), own));
    };
    const only = async (): Promise<VerifyRow> => {
      const before = memory().numTensors;
      const rows = await rowsOf(folder);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      const failed = rows.filter(({passed}) => !passed);
      expect(failed, 'rows that failed').to.have.lengthOf(1);
      return failed[0];
    };

    it('a file without outputs', async () => {
      rewritten(tensors => tensors.filter(({name}) => !name.startsWith('out.')));
      expect((await only()).message).to.include('has no outputs of innovationScores');
    });

    it('an output of another shape with the same numbers', async () => {
      rewritten(tensors =>
        tensors.map(one => (one.name === 'out.innovation' ? {...one, shape: [...one.shape, 1]} : one)),
      );
      expect((await only()).message).to.match(/out\.innovation is \[.*, 1\] in the file/);
    });

    it('attributes that are no object', async () => {
      rewritten(tensors => tensors, '[1]');
      expect((await only()).message).to.include('attrs must be an object');
    });

    it('a small file of huge lengths, before any memory is taken', async () => {
      const empty = (name: string, shape: number[]): NamedTensorData => ({
        name,
        shape,
        data: new Float32Array(0),
      });
      rewritten(
        () => [empty('in.y', [1, 1_000_000_000, 0]), empty('out.innovation', [0])],
        '{"span":1,"window":1000000,"capacity":1}',
      );
      const began = process.cpuUsage().user;
      expect((await only()).message).to.include('holds 0 numbers and lengths');
      expect(process.cpuUsage().user - began, 'microseconds').to.be.below(1e6);
    });

    it('an empty folder', async () => {
      let message = '';
      await rowsOf(folder).catch(error => {
        message = String(error);
      });
      expect(message).to.match(/found none/);
    });
  });
});
