// The worker: answers the page's calls one after another. What a call needs is loaded when it is first asked for, so that
// looking at a model carries no training.

import type {Answer, CallName, Calls, Handler, Order, ToldError} from '../protocol.js';

/** Where each call is answered. */
const handlers: {readonly [K in CallName]: () => Promise<Handler<K>>} = {
  device: async () => (await import('./device.js')).device,
  bench: async () => (await import('./bench.js')).bench,
  train: async () => (await import('./train.js')).train,
  runs: async () => (await import('./runs.js')).runs,
  keep: async () => (await import('./keep.js')).keep,
  models: async () => (await import('./models.js')).models,
  bring: async () => (await import('./models.js')).bring,
  write: async () => (await import('./write.js')).write,
  state: async () => (await import('./write.js')).state,
  memory: async () => (await import('./memory.js')).memory,
  inspect: async () => (await import('./inspect.js')).inspect,
  attend: async () => (await import('./inspect.js')).attend,
  twins: async () => (await import('./twins.js')).twins,
};

/** Calls that are begun though they were given up before: a training that is paused at once makes one step, and is kept. */
const begunInAnyCase: ReadonlySet<CallName> = new Set<CallName>(['train']);

const running = new Map<number, AbortController>();
let last: Promise<void> = Promise.resolve();

function toldError(error: unknown): ToldError {
  if (!(error instanceof Error)) return {name: 'Error', kind: 'fault', message: String(error)};
  const kind = 'kind' in error && (error.kind === 'misuse' || error.kind === 'damage') ? error.kind : 'fault';
  return {name: error.name, kind, message: error.message};
}

const answer = (message: Answer): void => postMessage(message);

async function run<K extends CallName>(id: number, name: K, request: Calls[K]['request']): Promise<void> {
  const {signal} = running.get(id)!;
  try {
    if (!begunInAnyCase.has(name)) signal.throwIfAborted();
    const handler = await handlers[name]();
    const result = await handler(request, {tell: event => answer({id, type: 'event', event}), signal});
    answer({id, type: 'result', result});
  } catch (error) {
    answer({id, type: 'failed', error: toldError(error)});
  } finally {
    running.delete(id);
  }
}

addEventListener('message', ({data}: MessageEvent<Order>) => {
  if (data.name === 'cancel') {
    running.get(data.id)?.abort();
    return;
  }
  running.set(data.id, new AbortController());
  const {id, name, request} = data;
  last = last.then(() => run(id, name, request));
});
