// The page's side of the worker: calls as promises, their events as callbacks.

import type {Answer, CallName, Calls, Order, ToldError} from './protocol.js';

/** An error of the worker; `kind` tells a wish that cannot be met from damaged things and from faults. */
export class WorkerError extends Error {
  override readonly name: string;
  readonly kind: ToldError['kind'];

  constructor({name, kind, message}: ToldError) {
    super(message);
    this.name = name;
    this.kind = kind;
  }
}

/** The GPU is gone, and with it what a call was at; a further call is answered by a new worker. */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
}

interface Pending {
  readonly signal: AbortSignal | undefined;
  readonly tell: (event: unknown) => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface CallOptions<K extends CallName> {
  readonly onEvent?: (event: Calls[K]['event']) => void;
  readonly signal?: AbortSignal;
}

/** Losses of the GPU behind which no further one is asked for: it is lost by what is done here. */
const MOST_LOSSES = 2;

/** One worker; calls run one after another there, in the order of asking. Where the GPU is lost another takes its place. */
export class Client {
  private worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private next = 1;
  private losses = 0;

  /** `onLost` is told why the GPU is gone, once calls can be made again. */
  constructor(private readonly onLost: (reason: string) => void) {
    this.worker = this.start();
  }

  private start(): Worker {
    const worker = new Worker(new URL('./worker/index.ts', import.meta.url), {type: 'module'});
    worker.addEventListener('message', ({data}: MessageEvent<Answer>) => {
      if (data.type === 'lost') this.lose(data.reason);
      else this.answer(data);
    });
    worker.addEventListener('error', event => this.end(new Error(event.message || 'the worker ended')));
    return worker;
  }

  private lose(reason: string): void {
    this.worker.terminate();
    this.end(new DeviceLostError(reason));
    this.worker = this.start();
    this.losses++;
    const ready = this.losses < MOST_LOSSES ? Promise.resolve() : this.call('device', {backend: 'wasm'});
    void ready.then(() => this.onLost(reason));
  }

  private end(error: Error): void {
    for (const {reject} of this.pending.values()) reject(error);
    this.pending.clear();
  }

  call<K extends CallName>(
    name: K,
    request: Calls[K]['request'],
    {onEvent = () => {}, signal}: CallOptions<K> = {},
  ): Promise<Calls[K]['result']> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      this.pending.set(id, {
        signal,
        tell: event => onEvent(event as Calls[K]['event']),
        resolve: result => resolve(result as Calls[K]['result']),
        reject,
      });
      const cancel = (): void => this.send({id, name: 'cancel'});
      signal?.addEventListener('abort', cancel, {once: true});
      this.send({id, name, request} as Order);
    });
  }

  /** Ends the worker and gives its memory back; calls under way fail. */
  close(): void {
    this.worker.terminate();
    this.end(new DOMException('the page was left', 'AbortError'));
  }

  private send(order: Order): void {
    this.worker.postMessage(order);
  }

  private answer(answer: Exclude<Answer, {type: 'lost'}>): void {
    const pending = this.pending.get(answer.id);
    if (pending === undefined) return;
    if (answer.type === 'event') {
      pending.tell(answer.event);
      return;
    }
    this.pending.delete(answer.id);
    if (answer.type === 'result') pending.resolve(answer.result);
    else if (pending.signal?.aborted) pending.reject(pending.signal.reason);
    else pending.reject(new WorkerError(answer.error));
  }
}
