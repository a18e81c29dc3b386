// The layouts by name. A new one is a file beside this and a line here.

import type {Layout} from '../layout.js';
import {bmojo} from './bmojo.js';
import {falconH1} from './falcon-h1.js';
import {falconMamba} from './falcon-mamba.js';
import {graniteMoeHybrid} from './granitemoehybrid.js';
import {lfm2} from './lfm2.js';
import {llama} from './llama.js';
import {mamba} from './mamba.js';
import {mamba2} from './mamba2.js';
import {qwen3} from './qwen3.js';

/** An exported model takes the first that says everything about it; the last does of every one. */
export const layouts: readonly Layout[] = [
  mamba,
  falconMamba,
  mamba2,
  llama,
  qwen3,
  lfm2,
  falconH1,
  graniteMoeHybrid,
  bmojo,
];
