// The files of tfjs's WASM module, which a page loads by address: where they lie, and which one did not come.

import {BackendError} from './backend-error.js';

/** Their folder's URL, or the URL of each of the three by file name. */
export type WasmPaths = string | Readonly<Record<string, string>>;

/** Errors: BackendError where tfjs refuses: for a missing name, or after a start that failed. */
export function giveWasmPaths(
  setWasmPaths: (paths: string | Record<string, string>) => void,
  paths: WasmPaths,
): void {
  try {
    setWasmPaths(typeof paths === 'string' ? paths : {...paths});
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isLate = reason.includes('already initialized');
    throw new BackendError(
      isLate
        ? 'bmojo: the wasm backend failed to start before and looks nowhere else until the page is loaded again; ' +
            'give wasmPaths to the first useBackend'
        : `bmojo: wasmPaths must be a folder's URL or the URL of each file: ${reason}`,
      {cause},
    );
  }
}

const SIMD = 'tfjs-backend-wasm-simd.wasm';

/** Milliseconds until the browser lists a request that has failed. */
const LISTED = 200;

/** Why the WASM backend did not start in a page: the file that was asked for last. */
export async function wasmFault(paths?: WasmPaths): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, LISTED));
  const asked = performance.getEntriesByType('resource').map(({name}) => name);
  const given = typeof paths === 'string' ? paths + SIMD : paths?.[SIMD];
  const file = asked.findLast(name => /\.wasm(\?|$)/.test(name)) ?? given ?? SIMD;
  return (
    `bmojo: the wasm backend could not start: ${file} is missing or no WebAssembly. Serve the .wasm files of ` +
    "@tensorflow/tfjs-backend-wasm/dist and say where: useBackend('wasm', {wasmPaths})"
  );
}
