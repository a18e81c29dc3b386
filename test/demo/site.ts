// The demo as its visitors get it: built, served as static files under a path of their own, opened in headless Chromium.

import {execFile} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import type {ServerResponse} from 'node:http';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {extname, join, normalize} from 'node:path';
import {promisify} from 'node:util';
import {gzipSync} from 'node:zlib';
import {expect} from 'chai';
import type {BrowserContext, Locator, Page} from 'playwright-core';
import {chromium} from 'playwright-core';
import {chromiumFlags, chromiumOrSkip, removeProfile} from '../support/browser.js';

/** Milliseconds: a loaded machine is slow, not wrong. */
export const LONGEST_WAIT = 240_000;

const root = join(import.meta.dirname, '../../..');
const vite = join(root, 'node_modules/vite/bin/vite.js');
const runProgram = promisify(execFile);
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

export interface Site {
  /** Address of the site's index, under a path as a project page has it. */
  readonly address: string;
  /** Requests so far: a path inside the site, with ` from N` where a part was asked for. */
  readonly asked: string[];
  /** Bytes of a path's file behind which the next answers with it send nothing more. */
  readonly stalls: Map<string, number[]>;
  /** Breaks the connections that have stalled. */
  breakOff(): void;
  /** Content of a path inside the site. */
  read(path: string): Buffer;
  close(): void;
}

/** Builds the site once for all tests of a process, into a folder of its own. */
let built: Promise<string> | undefined;

async function buildOnce(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-demo-'));
  process.on('exit', () => rmSync(folder, {recursive: true, force: true}));
  // In a process of its own: a build in this one leaves NODE_ENV=production to every test after it.
  const args = ['build', '--config', join(root, 'demo/vite.config.ts'), '--logLevel', 'error'];
  await runProgram(process.execPath, [vite, ...args, '--emptyOutDir', '--outDir', folder]);
  return folder;
}

/** Serves the built site as any static host would, without headers of its own; Range is understood. */
export async function serveSite(): Promise<Site> {
  built ??= buildOnce();
  const folder = await built;
  const asked: string[] = [];
  const stalls = new Map<string, number[]>();
  const stalled: ServerResponse[] = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname));
    const file = path.startsWith('/under/a/path/')
      ? join(folder, path.slice('/under/a/path/'.length) || 'index.html')
      : '';
    if (file === '' || !file.startsWith(folder) || !existsSync(file)) {
      response.statusCode = 404;
      response.end('not here');
      return;
    }
    const bytes = readFileSync(file);
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const name = file.slice(folder.length + 1);
    asked.push(range === null ? name : `${name} from ${range[1]}`);
    const from = Number(range?.[1] ?? 0);
    if (range !== null) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
    }
    const last = stalls.get(name)?.shift();
    if (last === undefined) {
      response.end(bytes.subarray(from));
      return;
    }
    response.setHeader('content-length', bytes.length - from);
    response.write(bytes.subarray(from, last));
    stalled.push(response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}/under/a/path/`,
    asked,
    stalls,
    breakOff: () => {
      for (const response of stalled.splice(0)) response.destroy();
    },
    read: path => readFileSync(join(folder, path)),
    close: () => server.close(),
  };
}

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained of, and requests that left its origin. */
  readonly complaints: string[];
  /** Gzipped bytes of the scripts that page and workers have asked for so far. */
  scriptBytes(): number;
}

export interface VisitOptions {
  /** Width of the window in pixels. Default 1,280. */
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  /** Default true: a WebGPU adapter (SwiftShader). */
  readonly webgpu?: boolean;
  /** Further options of Chromium's command line. Default none. */
  readonly flags?: readonly string[];
}

/** A site and the browser that looks at it. */
export interface ShownSite {
  /** Path of Chromium. */
  readonly chromium: string;
  readonly site: Site;
}

/** The site for the tests of the suite in whose body this is called; they are skipped without Chromium, and fail on CI. */
export function siteOfSuite(): ShownSite {
  const shown: {chromium: string; site?: Site} = {chromium: ''};
  before(async function () {
    shown.chromium = chromiumOrSkip(this);
    shown.site = await serveSite();
  });
  after(() => shown.site?.close());
  return {
    get chromium() {
      return shown.chromium;
    },
    get site() {
      if (shown.site === undefined) throw new Error("the site is there from the suite's before hook on");
      return shown.site;
    },
  };
}

/** Opens `hash` of the site in a fresh profile and hands the page to `body`. */
export async function visit<T>(
  {chromium: executablePath, site}: ShownSite,
  hash: string,
  body: (visit: Visit) => Promise<T>,
  {width = 1280, colorScheme = 'light', webgpu = true, flags = []}: VisitOptions = {},
): Promise<T> {
  const {address} = site;
  const before = site.asked.length;
  const profile = mkdtempSync(join(tmpdir(), 'bmojo-visit-'));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [...chromiumFlags.filter(flag => webgpu || !/webgpu|Vulkan/.test(flag)), ...flags],
      viewport: {width, height: width < 600 ? 844 : 900},
      colorScheme,
      acceptDownloads: true,
      timeout: 0, // however long a loaded machine takes: the test has a bound
    });
    try {
      const scriptBytes = (): number => scriptsIn(site, before);
      const page = await context.newPage();
      page.setDefaultTimeout(LONGEST_WAIT);
      const complaints: string[] = [];
      page.on('console', message => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', error => complaints.push(String(error)));
      page.on('request', request => {
        const url = request.url();
        if (!/^(blob|data):/.test(url) && !url.startsWith(new URL(address).origin))
          complaints.push(`request off the origin: ${url}`);
      });
      await page.goto(`${address}#/${hash}`);
      return await body({page, context, complaints, scriptBytes});
    } finally {
      await context.close();
    }
  } finally {
    removeProfile(profile);
  }
}

/** Gzipped bytes of the scripts that were asked for behind the first so many requests, each counted once. */
function scriptsIn({asked, read}: Site, before: number): number {
  const scripts = new Set(asked.slice(before).filter(path => path.endsWith('.js')));
  return [...scripts].reduce((sum, path) => sum + gzipSync(read(path)).length, 0);
}

/** What does not hold yet is looked at again, and fails when it has not held in the time of every wait of these pages. */
export async function soon(check: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + LONGEST_WAIT;
  while (true)
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
}

/** The focus comes there: a page moves it a moment after it has drawn. */
export const hasFocus = (target: Locator): Promise<void> =>
  soon(async () =>
    expect(await target.evaluate(element => element === document.activeElement), `${target}`).to.equal(true),
  );

/** Ends the process that Chromium drives the GPU by, as a driver that fails does. */
export async function loseDevice(context: BrowserContext): Promise<void> {
  const session = await context.browser()?.newBrowserCDPSession();
  if (session === undefined) throw new Error('the browser has no session for its own commands');
  await session.send('Browser.crashGpuProcess');
}

/** Serious findings of axe on what the page shows now, in words. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.addScriptTag({path: join(root, 'node_modules/axe-core/axe.min.js')});
  const found = await page.evaluate(async () => {
    const {axe} = window as unknown as {
      axe: {run(): Promise<{violations: {id: string; impact?: string; nodes: {html: string}[]}[]}>};
    };
    const {violations} = await axe.run();
    return violations.map(({id, impact, nodes}) => ({id, impact, html: nodes[0].html}));
  });
  return found
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .map(({id, html}) => `${id}: ${html}`);
}
