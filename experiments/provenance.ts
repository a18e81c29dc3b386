// Where results of this process come from.

import {cpus} from 'node:os';
import {VERSION} from '../config/version.js';
import type {Provenance} from '../eval/report/provenance.js';

function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown processor';
  return `${model}, ${cores.length} cores; Node ${process.versions.node} on ${process.platform} ${process.arch}`;
}

/** Of a result that is made now. */
export function provenance(seeds: Provenance['seeds'] = {}): Provenance {
  return {version: VERSION, date: new Date().toISOString(), machine: machine(), seeds};
}
