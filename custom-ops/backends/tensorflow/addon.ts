// Loads TensorFlow and our operators into Node. Reached through the import '#tensorflow' of package.json, so that nothing
// of it enters a browser's bundle.

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {buildFolder, SETUP, tfjsNodeFolder} from './build-folder.js';
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
 * Loads tfjs-node, which registers itself as backend 'tensorflow', and then the operators, by default those that
 * `bmojo setup tensorflow` built. Errors: Error that says what is missing and how to get it.
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
  try {
    require(tfjsNode);
    loaded = require(operators) as NativeOps;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`bmojo: the tensorflow backend does not load (${reason}); ${REMEDY} again`);
  }
  return loaded;
}
