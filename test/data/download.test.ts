// Corpora from servers of every kind: honest, silent, endless, interrupted.

import {createHash} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import type {RequestListener, Server} from 'node:http';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {CorpusError, fetchCorpus, readManifest} from '../../data/files/index.js';

const content = Buffer.alloc(100_000, 'some text of a corpus. ');
const sha256 = createHash('sha256').update(content).digest('hex');

describe('corpora from servers', () => {
  let folder: string;
  let server: Server;
  const servers: Server[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-download-'));
  });
  afterEach(() => {
    for (const one of servers.splice(0)) {
      one.close();
      one.closeAllConnections();
    }
    rmSync(folder, {recursive: true});
  });

  /** Fetches a corpus of one file that `answer` serves; `silence` is for servers that are silent. */
  async function fetched(answer: RequestListener, own: object = {}, silence?: number): Promise<string[]> {
    server = createServer(answer);
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
    const file = {name: 'a.txt', address, bytes: content.length, sha256, ...own};
    const manifest = join(folder, 'manifest.json');
    writeFileSync(manifest, JSON.stringify([{name: 'x', licence: 'none', files: [file]}]));
    return fetchCorpus(readManifest(manifest)[0], join(folder, 'x'), {silence});
  }

  const refused = async (answer: RequestListener, own?: object, silence?: number): Promise<string> => {
    const error = await fetched(answer, own, silence).then(
      () => undefined,
      found => found,
    );
    expect(error).to.be.instanceOf(CorpusError);
    return error.message;
  };
  const left = (): string[] => readdirSync(join(folder, 'x'));
  const whole: RequestListener = (_, response) => response.end(content);

  it('come whole', async () => {
    const [path] = await fetched(whole);
    expect(readFileSync(path).equals(content)).to.equal(true);
    expect(left()).to.deep.equal(['a.txt']);
  });

  it('are refused with another digest, and where there is nothing', async () => {
    expect(await refused(whole, {sha256: sha256.replace(/^./, '0').replace(/.$/, '1')})).to.include(
      'must have SHA-256 0',
    );
    expect(left()).to.deep.equal([]);
    server.close();
    const missing: RequestListener = (_, response) => {
      response.statusCode = 404;
      response.end();
    };
    expect(await refused(missing)).to.include('answered 404');
  });

  it('are refused from a server that says nothing, or stops in the middle and stays silent', async () => {
    expect(await refused(() => {}, {}, 300)).to.include('was silent for 0.3 s after 0 of 100000 bytes');
    server.closeAllConnections();
    server.close();
    const stuck: RequestListener = (_, response) => {
      response.writeHead(200);
      response.write(content.subarray(0, 4000));
    };
    expect(await refused(stuck, {}, 1000)).to.include('was silent for 1 s after 4000 of 100000 bytes');
  });

  it('are refused from a server that sends without end, and nothing of it stays', async () => {
    let sent = 0;
    const endless: RequestListener = (_, response) => {
      const more = (): void => {
        sent += content.length;
        if (!response.destroyed) response.write(content, more);
      };
      more();
    };
    expect(await refused(endless)).to.include('sends more than the 100000 bytes of the manifest');
    expect(sent).to.be.below(1e8);
    expect(left().map(name => readFileSync(join(folder, 'x', name)).length)).to.deep.equal([0]);
  });

  it('go on from where they broke off, again and again', async () => {
    const ranges: (string | undefined)[] = [];
    const breaking: RequestListener = (request, response) => {
      ranges.push(request.headers.range);
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {'content-length': content.length - from});
      response.write(content.subarray(from, from + 30_000), () => {
        if (from + 30_000 < content.length) response.destroy();
        else response.end();
      });
    };
    const [path] = await fetched(breaking);
    expect(readFileSync(path).equals(content)).to.equal(true);
    expect(ranges[0]).to.equal(undefined);
    expect(ranges.length).to.be.above(3);
    expect(ranges[1]).to.match(/^bytes=\d+-$/);
  });

  it('begin anew from a server that knows no ranges', async () => {
    let requests = 0;
    const simple: RequestListener = (_, response) => {
      requests++;
      if (requests > 1) response.end(content);
      else {
        response.writeHead(200, {'content-length': content.length});
        response.write(content.subarray(0, 30_000), () => response.destroy());
      }
    };
    const [path] = await fetched(simple);
    expect(readFileSync(path).equals(content)).to.equal(true);
  });

  it('are described by manifests that are checked before anything is asked for', async () => {
    for (const own of [
      {name: '../a'},
      {name: '..'},
      {address: 'file:///etc/passwd'},
      {bytes: '5'},
      {sha256: 7},
    ])
      expect(await refused(whole, own)).to.include('must have a plain name, an http(s) address, its bytes');
    const manifest = join(folder, 'manifest.json');
    for (const [text, words] of [
      ['{}', 'must be a list of corpora'],
      ['[7]', 'entry 0 must be an object, got 7'],
      ['[{"name":"a/b"}]', 'entry 0 must have a plain name'],
      [`${'['.repeat(5000)}${']'.repeat(5000)}`, 'nests deeper'],
    ]) {
      writeFileSync(manifest, text);
      expect(() => readManifest(manifest)).to.throw(CorpusError, words);
    }
  });
});
