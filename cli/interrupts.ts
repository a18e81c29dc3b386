// Ctrl-C and what is like it: the first asks the run to finish its step and save, the second ends the process at once.

/** Asks the work under way to save and end; absent where there is none. */
let stopUnderway: ((words: string) => void) | undefined;

/** For what else ends a command, such as a reader that went away: whether there is work, which then saves first. */
export function stopWork(words: string): boolean {
  stopUnderway?.(words);
  return stopUnderway !== undefined;
}

/** SIGHUP: the terminal was closed, or the connection to it broke. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs `body` with a signal that the first SIGINT, SIGTERM or SIGHUP aborts. */
export async function withInterrupts<T>(
  body: (signal: AbortSignal) => Promise<T>,
  doing = 'finishing this step and saving',
): Promise<T> {
  const controller = new AbortController();
  stopUnderway = words => {
    if (controller.signal.aborted) return;
    process.stderr.write(words);
    controller.abort();
  };
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    stopUnderway?.(`\n${doing}; once more aborts at once\n`);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await body(controller.signal);
  } finally {
    stopUnderway = undefined;
    // Once stopping, the process ends soon: one more signal until then still means the same.
    if (!controller.signal.aborted) for (const signal of SIGNALS) process.off(signal, stop);
  }
}
