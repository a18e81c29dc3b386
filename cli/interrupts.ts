// Ctrl-C: the first asks the run to finish its step and save, the second ends the process at once.

/** Runs `body` with a signal that the first SIGINT or SIGTERM aborts. */
export async function withInterrupts<T>(
  body: (signal: AbortSignal) => Promise<T>,
  doing = 'finishing this step and saving',
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write(`\n${doing}; once more aborts at once\n`);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await body(controller.signal);
  } finally {
    // Once stopping, the process ends soon: one more signal until then still means the same.
    if (!controller.signal.aborted) {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    }
  }
}
