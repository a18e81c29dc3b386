// Runs tfjs's own tests of its operations, which ship with tfjs-core, on our WebGPU device: npm run test:tfjs [-- FILTER].
// Failures that are known stand, grouped by their cause, in test/tfjs/expected-failures.json, as SwiftShader shows them. The
// run fails when another test fails, and, on SwiftShader, when one that stands there passes.

import {readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {build} from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const core = join(root, 'node_modules/@tensorflow/tfjs-core/dist');
const listFile = join(root, 'test/tfjs/expected-failures.json');
const [filter = ''] = process.argv.slice(2);

/** Tests of operations, gradients and variables; those of files, the engine and the environment touch no kernel. */
const wanted = /^\.\/(ops|optimizers)\/|^\.\/(gradients|variable)_test/;
const tests = [...readFileSync(join(core, 'tests.js'), 'utf8').matchAll(/^import '(.+)';$/gm)]
  .map(match => match[1])
  .filter(path => wanted.test(path));

const entry = `
import {jasmineUtil} from './begin';
import {chooseSwiftShader} from ${JSON.stringify(join(root, 'dist/test/support/webgpu.js'))};
import {useWebGPU} from ${JSON.stringify(join(root, 'dist/custom-ops/index.js'))};
export async function start() {
  chooseSwiftShader();
  const device = await useWebGPU();
  jasmineUtil.registerTestEnv({
    name: 'webgpu', backendName: 'webgpu', flags: {WEBGPU_CPU_FORWARD: false}, isDataSync: false,
  });
  ${tests.map(path => `require(${JSON.stringify(join(core, path))});`).join('\n  ')}
  return device;
}
`;

/** Entry and its companion as virtual modules beside the tests, so that all share one tfjs-core. */
const virtual = {
  name: 'virtual',
  setup({onResolve, onLoad}) {
    onResolve({filter: /^(entry|\.\/begin)$/}, ({path}) => ({
      path: path.replace('./', ''),
      namespace: 'suite',
    }));
    // jasmine_util.js sets a timeout on a Jasmine of its own, of a version long gone; it uses nothing else of it.
    onResolve({filter: /^jasmine-core\//}, () => ({path: 'jasmine', namespace: 'stub'}));
    onLoad({filter: /.*/, namespace: 'stub'}, () => ({contents: 'module.exports = {core: () => ({})};'}));
    onLoad({filter: /.*/, namespace: 'suite'}, ({path}) => ({
      contents:
        path === 'entry'
          ? entry
          : `import * as jasmineUtil from ${JSON.stringify(join(core, 'jasmine_util.js'))}; export {jasmineUtil};`,
      resolveDir: root,
      loader: 'js',
    }));
  },
};

/** Jasmine's globals, an environment that goes through all tests in their order, and what became of each. */
function prepareJasmine() {
  const jasmine = require('jasmine-core').boot();
  const env = jasmine.getEnv();
  env.configure({
    random: false,
    specFilter: spec => spec.getFullName().includes(filter),
  });
  jasmine.DEFAULT_TIMEOUT_INTERVAL = 300_000;
  const outcomes = {passed: [], failed: []};
  env.clearReporters();
  env.addReporter({
    specDone({fullName, status, failedExpectations}) {
      if (status === 'passed') outcomes.passed.push(fullName);
      if (status === 'failed')
        outcomes.failed.push({name: fullName, message: failedExpectations[0]?.message ?? 'no message'});
    },
    suiteDone({fullName, failedExpectations}) {
      for (const {message} of failedExpectations ?? [])
        outcomes.failed.push({name: `${fullName} (setup)`, message});
    },
  });
  return {env, outcomes};
}

const outfile = join(root, `dist/tfjs-suite-${process.pid}.mjs`); // where Node finds the package webgpu
const started = performance.now();
try {
  await build({
    entryPoints: ['entry'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: ['webgpu'],
    plugins: [virtual],
    banner: {
      js: `import {createRequire as makeRequire} from 'node:module'; const require = makeRequire(${JSON.stringify(import.meta.url)});`,
    },
    logLevel: 'error',
  });
  const {env, outcomes} = prepareJasmine();
  const {start} = await import(pathToFileURL(outfile).href);
  const device = await start();
  const warn = console.warn;
  console.warn = () => {};
  await env.execute();
  console.warn = warn;
  report(device, outcomes);
} finally {
  rmSync(outfile, {force: true});
}

function report(device, {passed, failed}) {
  const groups = JSON.parse(readFileSync(listFile, 'utf8'));
  const expected = new Set(groups.flatMap(({tests: names}) => names));
  const fresh = failed.filter(({name}) => !expected.has(name));
  const healed = passed.filter(name => expected.has(name));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  for (const {reason, tests: names} of groups)
    console.log(`${String(names.length).padStart(5)} known: ${reason}`);
  for (const {name, message} of fresh)
    console.log(`FAILED, not known: ${name}\n    ${message.slice(0, 300)}`);
  for (const name of healed) console.log(`PASSED, though known to fail: ${name}`);
  const failing = fresh.length + (device.software ? healed.length : 0);
  console.log(
    `tfjs's own tests on ${device.name}: ${passed.length} passing, ${failing} failing; ` +
      `${failed.length - fresh.length} known failures of ${passed.length + failed.length}; ${seconds} s`,
  );
  process.exitCode = passed.length > 0 && failing === 0 ? 0 : 1;
}
