// One writer for a folder: by process and host.

import {spawn, spawnSync} from 'node:child_process';
import fs, {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
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

  it('are taken over where the pid is that of another user by now, whose processes may not be signalled', () => {
    const {kill} = process;
    process.kill = () => {
      throw Object.assign(new Error('kill EPERM'), {code: 'EPERM'});
    };
    try {
      const lock = take();
      const {began} = JSON.parse(readFileSync(path(), 'utf8'));
      lock.release();
      for (const [owner, isHeld] of [
        [{host: hostname(), pid: process.pid, began: '1'}, false],
        [{host: hostname(), pid: process.pid, began}, true],
        [{host: hostname(), pid: process.pid}, true],
      ] as const) {
        writeFileSync(path(), JSON.stringify(owner));
        if (isHeld) expect(take).to.throw(FolderLockError, 'is written by process');
        else take().release();
      }
    } finally {
      process.kill = kill;
    }
  });

  describe('of a machine of the same name', () => {
    const {readFileSync: read, readlinkSync: readLink} = fs;
    /** What this machine says of itself; nothing where it is empty. */
    const says = (boot: string, machine: string): void => {
      Object.assign(fs, {
        readFileSync: (path: fs.PathLike, options: BufferEncoding) => {
          const own = {'/proc/sys/kernel/random/boot_id': boot, '/etc/machine-id': machine}[String(path)];
          if (own === undefined) return read(path, options);
          if (own === '') throw Object.assign(new Error('ENOENT'), {code: 'ENOENT'});
          return `${own}\n`;
        },
        readlinkSync: () => 'pid:[4026531836]',
      });
      syncBuiltinESMExports();
    };
    afterEach(() => {
      Object.assign(fs, {readFileSync: read, readlinkSync: readLink});
      syncBuiltinESMExports();
    });
    const [here, there] = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210'];
    /** The lock of a process that no longer runs. */
    const left = (): void => {
      take();
      const owner = JSON.parse(read(path(), 'utf8'));
      writeFileSync(path(), JSON.stringify({...owner, pid: 2 ** 22 + 7}));
    };

    for (const [name, machine] of [
      ['another', there],
      ['one that does not say which it is', ''],
    ])
      it(`are never taken over from ${name}, whose pids mean nothing here`, () => {
        says('boot one', machine);
        left();
        const text = read(path(), 'utf8');
        says('boot two', machine === '' ? '' : here);
        expect(take).to.throw(
          FolderLockError,
          `is written by process ${2 ** 22 + 7} on a machine or container that is called like this one, "${hostname()}"`,
        );
        expect(read(path(), 'utf8')).to.equal(text);
        rmSync(path());
      });

    it('are taken over where it is this one, started anew or not', () => {
      says('boot one', here);
      left();
      take().release();
      left();
      says('boot two', here);
      take().release();
      // Whatever process has the pid by now.
      says('boot one', here);
      take();
      says('boot two', here);
      take().release();
    });

    it('are held by a process that lives, whichever of the two may not be read which start it is of', () => {
      for (const [boot, later] of [
        ['boot one', ''],
        ['', 'boot two'],
      ]) {
        says(boot, here);
        const lock = take();
        says(later, here);
        expect(take).to.throw(
          FolderLockError,
          `is written by process ${process.pid}; wait for it or stop it`,
        );
        lock.release();
        left();
        says(boot, here);
        take().release();
      }
    });

    it('are never taken over where neither start nor machine can be compared, or the machine is another', () => {
      for (const [boot, machine, laterBoot, laterMachine] of [
        ['boot one', '', '', here],
        ['', there, '', here],
        ['', there, 'boot two', here],
        ['', there, 'boot two', ''],
      ] as const) {
        says(boot, machine);
        left();
        says(laterBoot, laterMachine);
        expect(take).to.throw(FolderLockError, 'on a machine or container that is called like this one');
        rmSync(path());
      }
    });

    it('do not tell the id of the machine', () => {
      says('boot one', here);
      const lock = take();
      expect(JSON.parse(read(path(), 'utf8')).machine).to.match(/^[0-9a-f]{32}$/);
      expect(read(path(), 'utf8')).to.not.include(here);
      lock.release();
      says('boot one', 'uninitialized');
      const other = take();
      expect(JSON.parse(read(path(), 'utf8'))).to.not.have.property('machine');
      other.release();
    });
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

  /** Functions that look at files of the folder or change names in it. */
  const steps = ['linkSync', 'renameSync', 'readFileSync', 'rmSync'] as const;
  const stale = (): void => writeFileSync(path(), JSON.stringify({host: hostname(), pid: 2 ** 22 + 7}));

  it('go to one of three that find a stale one in one instant, wherever they come between each other', () => {
    const real = Object.fromEntries(steps.map(name => [name, fs[name]]));
    const unhooked = (): void => {
      Object.assign(fs, real);
      syncBuiltinESMExports();
    };
    /** Takes the lock, with what is to happen before the number-th step; returns the steps. */
    const takeBetween = (between: ReadonlyMap<number, () => void>, won: () => void): number => {
      let step = 0;
      const hook = (): void => {
        for (const name of steps)
          Object.assign(fs, {
            [name]: (...args: unknown[]) => {
              if (String(args[0]).startsWith(folder)) {
                unhooked();
                between.get(step++)?.();
                hook();
              }
              return Reflect.apply(real[name], fs, args);
            },
          });
        syncBuiltinESMExports();
      };
      hook();
      try {
        take();
        won();
      } catch (error) {
        expect(error).to.be.instanceOf(FolderLockError);
      } finally {
        unhooked();
      }
      return step;
    };
    let most = 1;
    for (let first = 0; first < most; first++)
      for (let second = first; second < most; second++) {
        stale();
        let winners = 0;
        const won = (): void => {
          winners++;
        };
        const other = (): void => void takeBetween(new Map(), won);
        const both = (): void => {
          other();
          other();
        };
        const between =
          first === second ? [[first, both] as const] : [first, second].map(at => [at, other] as const);
        most = Math.max(most, takeBetween(new Map(between), won));
        expect(winners, `before steps ${first} and ${second}`).to.equal(1);
        expect(readdirSync(folder)).to.deep.equal(['lock.json']);
      }
    expect(most).to.be.above(5);
  });

  it('are free again wherever one that takes a stale one over is killed', () => {
    const module = new URL('../../formats/folder-lock.js', import.meta.url).href;
    const killedAt = (at: number): boolean => {
      const code = `import fs from 'node:fs';
        import {syncBuiltinESMExports} from 'node:module';
        let step = 0;
        for (const name of ${JSON.stringify(steps)}) {
          const real = fs[name];
          fs[name] = (...args) => {
            if (String(args[0]).startsWith(${JSON.stringify(folder)}) && step++ === ${at}) process.kill(process.pid, 'SIGKILL');
            return real(...args);
          };
        }
        syncBuiltinESMExports();
        const {FolderLock} = await import(${JSON.stringify(module)});
        FolderLock.take(${JSON.stringify(folder)});`;
      return spawnSync(process.execPath, ['--input-type=module', '-e', code]).signal === 'SIGKILL';
    };
    let at = 0;
    for (let isKilled = true; isKilled; at++) {
      stale();
      isKilled = killedAt(at);
      // Where another takes over from that one, too.
      if (isKilled) killedAt(at);
      take().release();
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
    }
    expect(at).to.be.above(5);
  });

  /** Takes a stale lock where the first change of a name comes out otherwise. */
  const takeWith = (
    step: 'linkSync' | 'renameSync',
    once: (from: fs.PathLike, to: fs.PathLike) => void,
  ): void => {
    const real = fs[step];
    let isDone = false;
    fs[step] = (from, to) => {
      if (isDone) return real(from, to);
      isDone = true;
      once(from, to);
      real(from, to);
    };
    syncBuiltinESMExports();
    try {
      stale();
      const lock = take();
      expect(JSON.parse(readFileSync(path(), 'utf8')).pid).to.equal(process.pid);
      lock.release();
    } finally {
      fs[step] = real;
      syncBuiltinESMExports();
    }
    expect(readdirSync(folder)).to.deep.equal([]);
  };

  for (const step of ['linkSync', 'renameSync'] as const) {
    it(`are taken though whoever held the folder cleared it of drafts before ${step}`, () =>
      takeWith(step, from => rmSync(from)));

    it(`are taken where a server did ${step}, its answer was lost, and it was asked again`, () =>
      takeWith(step, (from, to) => {
        rmSync(to, {force: true});
        fs.copyFileSync(from, to);
        if (step === 'renameSync') rmSync(from);
      }));
  }

  // Windows says of a drive without hard links that the function is none, which Node calls a folder.
  for (const code of ['EPERM', 'EISDIR'])
    it(`are held where a file system has no hard links, and says ${code}`, () => {
      const {linkSync} = fs;
      fs.linkSync = () => {
        throw Object.assign(new Error(code), {code});
      };
      syncBuiltinESMExports();
      try {
        const lock = take();
        expect(take).to.throw(FolderLockError, `is written by process ${process.pid}`);
        lock.release();
        stale();
        take().release();
      } finally {
        fs.linkSync = linkSync;
        syncBuiltinESMExports();
      }
      expect(readdirSync(folder)).to.deep.equal([]);
    });
});
