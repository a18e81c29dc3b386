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

interface Pending {
  readonly tell: (event: unknown) => void;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface CallOptions<K extends CallName> {
  readonly onEvent?: (event: Calls[K]['event']) => void;
  readonly signal?: AbortSignal;
}

/** One worker; calls run one after another there, in the order of asking. */
export class Client {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private next = 1;

  constructor() {
    this.worker = new Worker(new URL('./worker/index.ts', import.meta.url), {type: 'module'});
    this.worker.addEventListener('message', ({data}: MessageEvent<Answer>) => this.answer(data));
    this.worker.addEventListener('error', event => {
      for (const {reject} of this.pending.values()) reject(new Error(event.message || 'the worker ended'));
      this.pending.clear();
    });
  }

  call<K extends CallName>(
    name: K,
    request: Calls[K]['request'],
    {onEvent = () => {}, signal}: CallOptions<K> = {},
  ): Promise<Calls[K]['result']> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, {
        tell: event => onEvent(event as Calls[K]['event']),
        resolve: result => resolve(result as Calls[K]['result']),
        reject,
      });
      const cancel = (): void => this.send({id, name: 'cancel'});
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener('abort', cancel, {once: true});
      this.send({id, name, request} as Order);
    });
  }

  /** Ends the worker and gives its memory back; calls under way fail. */
  close(): void {
    this.worker.terminate();
    for (const {reject} of this.pending.values()) reject(new DOMException('the page was left', 'AbortError'));
    this.pending.clear();
  }

  private send(order: Order): void {
    this.worker.postMessage(order);
  }

  private answer(answer: Answer): void {
    const pending = this.pending.get(answer.id);
    if (pending === undefined) return;
    if (answer.type === 'event') {
      pending.tell(answer.event);
      return;
    }
    this.pending.delete(answer.id);
    if (answer.type === 'result') pending.resolve(answer.result);
    else pending.reject(new WorkerError(answer.error));
  }
}
