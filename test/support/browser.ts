// Headless Chromium for tests: bundles a page, serves it from this machine, and keeps the browser off the network.

import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createServer} from 'node:http';
import {builtinModules, createRequire} from 'node:module';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import type {Plugin} from 'esbuild';
import {build} from 'esbuild';
import type {Page} from 'playwright-core';
import {chromium} from 'playwright-core';

/** Where tfjs keeps the module of its wasm backend, which a page loads from beside its script. */
const wasmFolder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const missing =
  'no Chromium found: install it (Debian: apt-get install chromium) or set BMOJO_CHROMIUM to its executable';

/** WebGPU on SwiftShader, so that results do not depend on the machine's GPU; nothing but the page is loaded. */
export const chromiumFlags = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
];

export function findChromium(): string | undefined {
  return [process.env.BMOJO_CHROMIUM, ...places].find(path => path !== undefined && existsSync(path));
}

/** For `before` hooks: Chromium's path; without it the suite is skipped, and fails on CI. */
export function chromiumOrSkip(context: Mocha.Context): string {
  const path = findChromium();
  if (path !== undefined) return path;
  if (process.env.CI === 'true') throw new Error(missing);
  console.warn(`\nBROWSER TESTS DID NOT RUN: ${missing}\n`);
  return context.skip();
}

/** How a page is made. */
export interface PageOptions {
  /** Folders of files that a page may load from beside its script, with tfjs's own. */
  readonly folders?: readonly string[];
  /** Whether the script is a module, as packages want that load files of theirs by `import.meta.url`. Default false. */
  readonly isModule?: boolean;
}

/** Packages for Node too import its modules, and use none in a page. */
const withoutNode: Plugin = {
  name: 'without-node',
  setup: build => {
    const isBuiltin = new RegExp(`^(node:)?(${builtinModules.join('|')})$`);
    build.onResolve({filter: isBuiltin}, ({path}) => ({path, namespace: 'none'}));
    build.onLoad({filter: /.*/, namespace: 'none'}, () => ({contents: 'module.exports = {}'}));
  },
};

async function bundle(entry: string, isModule: boolean): Promise<string> {
  const {outputFiles} = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: isModule ? 'esm' : 'iife',
    plugins: isModule ? [withoutNode] : [],
    conditions: ['browser', 'module', 'import', 'default'],
    mainFields: ['browser', 'module', 'main'],
    logLevel: 'error',
  });
  return outputFiles[0].text;
}

/** Removes a profile, into which processes of a browser that was closed may still be writing. */
export function removeProfile(folder: string): void {
  rmSync(folder, {recursive: true, force: true, maxRetries: 20, retryDelay: 100});
}

/** Opens a page that has loaded the script bundled from `entry`, and hands it to `body`. */
export async function withPage<T>(
  executablePath: string,
  entry: string,
  body: (page: Page) => Promise<T>,
  {folders = [], isModule = false}: PageOptions = {},
): Promise<T> {
  const script = await bundle(entry, isModule);
  const kind = isModule ? ' type="module"' : '';
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    const name = basename(request.url ?? '');
    const file = [wasmFolder, ...folders].map(folder => join(folder, name)).find(path => existsSync(path));
    if (/\.(wasm|data|gz)$/.test(name) && file !== undefined) {
      response.setHeader(
        'content-type',
        name.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream',
      );
      response.end(readFileSync(file));
      return;
    }
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(
      isScript ? script : `<!doctype html><title>bmojo</title><script${kind} src="/page.js"></script>`,
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as AddressInfo;
  const profile = mkdtempSync(join(tmpdir(), 'bmojo-chromium-'));
  try {
    const browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: chromiumFlags,
      timeout: 0, // however long a loaded machine takes: the test has a bound
    });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(0);
      await page.goto(`http://127.0.0.1:${port}/`);
      return await body(page);
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
    removeProfile(profile);
  }
}
