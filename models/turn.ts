// The event loop's next turn: what waits there (messages, timers, signals) comes first.

/**
 * Lets everything that waits have its turn. Not the next frame: that takes up to 16 ms though a step takes two, and no frame
 * comes in a tab that nobody looks at.
 */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
