// What a test's page does for itself, where an order from outside comes too late.

/**
 * A worker that starts late, as on a loaded machine: it is told nothing before an order of this name is given. A training that
 * waits for `cancel` is paused behind its first step, however long the page sleeps.
 */
export function startLate(awaited: string): void {
  const post = Worker.prototype.postMessage;
  const held: [Worker, unknown][] = [];
  let isReady = false;
  Worker.prototype.postMessage = function (this: Worker, order: {readonly name: string}) {
    held.push([this, order]);
    isReady ||= order.name === awaited;
    if (isReady) for (const [worker, one] of held.splice(0)) post.call(worker, one);
  };
}
