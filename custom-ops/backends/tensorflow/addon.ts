// Loads TensorFlow and our operators into Node. Reached through the import '#tensorflow' of package.json, so that nothing
// of it enters a browser's bundle.

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {buildFolder, SETUP, tfjsNodeFolder} from './build-folder.js';
import {sourceDigests} from './sources.generated.js';
import type {NativeOps} from './table.js';

const REMEDY = `run \`${SETUP}\``;

const require = createRequire(import.meta.url);
let loaded: NativeOps | undefined;

/** tfjs-node calls functions of node:util that Node 23 has removed, and that earlier versions warn of. */
function bringBackRemovedFunctions(): void {
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  util.isArray = Array.isArray;
}

/**
 * What is wrong with an addon that was not built from the sources of this version, whose kernels may compute something else
 * and take other arguments than they are given; undefined where nothing is.
 */
export function faultOfSources({sources, cuda}: Pick<NativeOps, 'sources' | 'cuda'>): string | undefined {
  const expected = sourceDigests[cuda ? 'cuda' : 'cpu'];
  if (sources === expected) return undefined;
  const found = sources === undefined ? 'none is told' : `found ${sources.slice(0, 12)}`;
  const options = cuda ? ', with --gpu or --cuda as before' : '';
  return (
    'bmojo: the tensorflow backend was built from the sources of another version of bmojo ' +
    `(by their digest: expected ${expected.slice(0, 12)}, ${found}); ${REMEDY} again${options}`
  );
}

/**
 * Loads tfjs-node, which registers itself as backend 'tensorflow', and then the operators, by default those that
 * `bmojo setup tensorflow` built. Errors: Error that says what is missing and how to get it,
 * or that the operators were built from other sources.
 */
export function loadTensorFlow(operators = join(buildFolder(), 'bmojo_ops.node')): NativeOps {
  if (loaded !== undefined) return loaded;
  const tfjsNode = tfjsNodeFolder();
  if (tfjsNode === undefined || !existsSync(operators))
    throw new Error(`bmojo: the tensorflow backend is not set up; ${REMEDY}`);
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  // oneDNN, on by itself on some processors, rounds otherwise than the rest and says so in every process; 1 asks for it.
  process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  bringBackRemovedFunctions();
  let native: NativeOps;
  try {
    require(tfjsNode);
    native = require(operators) as NativeOps;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`bmojo: the tensorflow backend does not load (${reason}); ${REMEDY} again`);
  }
  const fault = faultOfSources(native);
  if (fault !== undefined) throw new Error(fault);
  loaded = native;
  return loaded;
}
