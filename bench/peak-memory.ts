// The most memory that this process has held.

import {readFileSync} from 'node:fs';

/**
 * Bytes of physical memory that the process has held at most. On Linux by its own record: maxRSS begins with what the process
 * that started this one had held.
 */
export function peakMemory(): number {
  if (process.platform !== 'linux') return 1024 * process.resourceUsage().maxRSS;
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  if (kibibytes === undefined) throw new Error('/proc/self/status does not say VmHWM');
  return 1024 * Number(kibibytes);
}
