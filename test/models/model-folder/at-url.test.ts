// A model folder on a server: addresses, broken connections, servers that cannot send parts, copies that go on.

import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import type {MemoryFolder} from '../../../models/model-folder/index.js';
import {
  copyModel,
  modelAtUrl,
  modelInMemory,
  openModel,
  writeModel,
} from '../../../models/model-folder/index.js';
import {answers, languageContents} from '../../support/model-folders.js';
import type {ModelServer} from '../../support/model-server.js';
import {serveModel} from '../../support/model-server.js';

describe('a model folder at an address', () => {
  let folder: MemoryFolder;
  let expected: number[];
  let server: ModelServer;
  const shard = 'weights-00002-of-00007.bin';
  const source = (options = {}) => modelAtUrl(server.address, {delay: 1, ...options});

  before(async () => {
    await useBackend('wasm');
    folder = modelInMemory();
    const contents = languageContents();
    expected = answers(contents.model.model);
    await writeModel(folder, contents, {shardBytes: 4000});
    server = await serveModel(folder);
  });
  beforeEach(() => server.reset());
  after(() => server.close());

  it('opens by the address of the folder, of model.json, of card.json', async () => {
    for (const end of ['', '/', '/model.json', '/card.json?v=2']) {
      const {model} = await openModel(`${server.address}${end}`);
      expect(answers(model.model)).to.deep.equal(expected);
      model.model.dispose();
    }
  });

  it('is not a path on disk, and says who opens those', async () => {
    const error = await openModel('runs/shakespeare/model').catch(reason => reason);
    expect(String(error)).to.include('"runs/shakespeare/model" is no address').and.include('bmojo/node');
  });

  it('goes on where a connection broke, byte by byte the same', async () => {
    server.cuts.set(shard, [1000, 2500, 2600]).set('card.json', [100]);
    const {model} = await openModel(source());
    expect(answers(model.model)).to.deep.equal(expected);
    expect(server.asked.filter(line => line.startsWith(shard))).to.deep.equal([
      shard,
      `${shard} from 1000`,
      `${shard} from 2500`,
      `${shard} from 2600`,
    ]);
  });

  it('reads a file again from its beginning where the server sends no parts', async () => {
    server.cuts.set(shard, [1000]);
    server.ranges = false;
    const {model} = await openModel(source());
    expect(answers(model.model)).to.deep.equal(expected);
    expect(server.asked).to.include(`${shard} from 1000`);
  });

  it('gives up after so many attempts at one place, and says where', async () => {
    server.statuses.push(...Array(9).fill(503));
    const error = await openModel(source({attempts: 3})).catch(reason => reason);
    expect(String(error)).to.include('card.json could not be fetched').and.include('503');
    expect(server.asked.length).to.equal(3);
  });

  it('asks again when a server is busy, not when it refuses', async () => {
    server.statuses.push(503, 429);
    expect((await openModel(source())).card?.format).to.equal(1);
    server.reset();
    server.statuses.push(403);
    const error = await openModel(source()).catch(reason => reason);
    expect(String(error)).to.include('the server answered 403 Forbidden to card.json');
    expect(server.asked.length).to.equal(1);
  });

  it('says that there is no model, and what a page in place of a card is', async () => {
    const error = await openModel(modelAtUrl(`${server.address}/elsewhere`)).catch(reason => reason);
    expect(String(error)).to.include('holds no model');
    server.statuses.push(200);
    const page = await openModel(source()).catch(reason => reason);
    expect(String(page)).to.include('card.json is no JSON; it begins with "<!doctype html>"');
  });

  it('copies go on with what an earlier attempt left, and fetch nothing twice', async () => {
    const store = modelInMemory();
    const controller = new AbortController();
    const stopped = await copyModel(source(), store, {
      signal: controller.signal,
      onProgress: ({path}) => path === 'weights-00003-of-00007.bin' && controller.abort(new Error('closed')),
    }).catch(reason => reason);
    expect(String(stopped)).to.equal('Error: closed');
    expect(store.files.has('card.json')).to.equal(false);
    const begun = store.files.get(shard)?.slice(0, 1234) as Uint8Array<ArrayBuffer>;
    store.files.set(shard, begun);
    server.reset();
    const seen: number[] = [];
    await copyModel(source(), store, {onProgress: ({loaded}) => seen.push(loaded)});
    expect(server.asked).to.include(`${shard} from 1234`).and.not.include('weights-00001-of-00007.bin');
    expect([...store.files].sort()).to.deep.equal([...folder.files].sort());
    expect(seen.at(-1)).to.equal(
      [...folder.files].reduce((sum, [name, bytes]) => sum + (name === 'card.json' ? 0 : bytes.length), 0),
    );
  });

  it('copies take a file anew where the store holds another of the same name', async () => {
    const store = modelInMemory();
    store.files.set(shard, new Uint8Array(50).fill(7));
    store.files.set('weights-00001-of-00007.bin', new Uint8Array(4000).fill(7));
    store.files.set('model.json', new Uint8Array(1 << 20));
    await copyModel(source(), store);
    expect([...store.files].sort()).to.deep.equal([...folder.files].sort());
  });
});
