// One writer for a folder: by process and host.

import {spawn} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {FolderLock, FolderLockError} from '../../formats/folder-lock.js';

describe('folder locks', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-lock-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));
  const path = (): string => join(folder, 'lock.json');
  const take = (): FolderLock => FolderLock.take(folder);

  it('are held by one, given back, and leave nothing behind', () => {
    const lock = take();
    expect(take).to.throw(FolderLockError, `is written by process ${process.pid}; wait for it or stop it`);
    lock.release();
    take().release();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('are taken over from processes that are gone, never from other hosts or unknown ones', () => {
    const stale: object[] = [
      {host: hostname(), pid: 2 ** 22 + 7},
      {host: hostname(), pid: process.pid, began: '1'}, // the pid is used again
    ];
    for (const owner of stale) {
      writeFileSync(path(), JSON.stringify(owner));
      take().release();
    }
    for (const [text, words] of [
      [JSON.stringify({host: 'else\u001b[31m', pid: 7}), 'process 7 on "else\\u001b[31m"'],
      [JSON.stringify({host: hostname(), space: 'pid:[1]', pid: 7}), 'or remove'],
      ['{"pid":', 'which names no process; remove that file'],
    ]) {
      writeFileSync(path(), text);
      expect(take).to.throw(FolderLockError, words);
      expect(readFileSync(path(), 'utf8')).to.equal(text);
    }
  });

  it('are not removed by one that no longer holds them', () => {
    const lock = take();
    const other = JSON.stringify({host: 'else', pid: 7});
    writeFileSync(path(), other);
    lock.release();
    expect(readFileSync(path(), 'utf8')).to.equal(other);
  });

  it('go to one of many processes that want a stale one at once', async () => {
    const module = new URL('../../formats/folder-lock.js', import.meta.url).href;
    const code = `import {FolderLock} from ${JSON.stringify(module)};
      import {appendFileSync} from 'node:fs';
      const say = word => appendFileSync(${JSON.stringify(join(folder, 'words'))}, word);
      const wait = new Int32Array(new SharedArrayBuffer(4));
      for (let i = 0; i < 40; i++) {
        let lock;
        try { lock = FolderLock.take(${JSON.stringify(folder)}); } catch { continue; }
        say('a'); Atomics.wait(wait, 0, 0, 1); say('b');
        if (i % 4 > 0) lock.release();
        else if (i % 8 === 0) process.kill(process.pid, 'SIGKILL');
        else lock.release();
      }`;
    await Promise.all(
      Array.from(
        {length: 4},
        () =>
          new Promise(resolve => {
            const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
            child.on('close', resolve);
          }),
      ),
    );
    const words = readFileSync(join(folder, 'words'), 'utf8');
    expect(words).to.include('ab');
    expect(words, 'never two at once').to.not.match(/aa/);
  });
});
