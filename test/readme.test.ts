// The README's examples run as they stand.

import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('README', () => {
  it('its example trains, saves and loads', async function () {
    this.timeout(300_000);
    const code = /<!-- run by test\/readme\.test\.ts -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(code).to.include('model.fit');
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-readme-'));
    const module = code
      .replaceAll("'bmojo'", `'${pathToFileURL(join(root, 'dist/index.js')).href}'`)
      .replaceAll("'bmojo/node'", `'${pathToFileURL(join(root, 'dist/models/node.js')).href}'`)
      .replaceAll("'@tensorflow/tfjs'", `'${import.meta.resolve('@tensorflow/tfjs')}'`)
      .replaceAll('runs/keras', join(folder, 'model'));
    try {
      const ran: {again: tf.LayersModel; model: tf.LayersModel; tokens: tf.Tensor} = await import(
        `data:text/javascript,${encodeURIComponent(`${module}\nexport {again, model, tokens};`)}`
      );
      const values = (m: tf.LayersModel): number[] =>
        tf.tidy(() => [...(m.predict(ran.tokens) as tf.Tensor).dataSync()]);
      expect(values(ran.again)).to.deep.equal(values(ran.model));
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
  });

  it('its example of generation writes text', async () => {
    const code =
      /<!-- run by test\/readme\.test\.ts: generation -->\n```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const module = code
      .replaceAll("from 'bmojo'", `from '${pathToFileURL(join(root, 'dist/index.js')).href}'`)
      .replaceAll("'bmojo/data'", `'${pathToFileURL(join(root, 'dist/data/index.js')).href}'`);
    const ran: {text: string} = await import(
      `data:text/javascript,${encodeURIComponent(`${module}\nexport {text};`)}`
    );
    expect(ran.text.length).to.be.above(0);
  });
});
