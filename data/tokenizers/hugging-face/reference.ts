// The reference implementation, npm package tokenizers, in Node. Reached through the import '#tokenizers' of package.json, so
// that nothing of it enters a browser's bundle. It answers through promises only; a thread waits for them, and we for the thread.

import {createRequire} from 'node:module';
import type {MessagePort} from 'node:worker_threads';
import {MessageChannel, receiveMessageOnPort, Worker} from 'node:worker_threads';
import type {InnerTokenizer} from './inner.js';

/** What the thread is asked; `handle` numbers the opened tokenizers. */
export type Question =
  | {readonly what: 'open'; readonly handle: number; readonly json: string}
  | {readonly what: 'encode'; readonly handle: number; readonly text: string}
  | {readonly what: 'decode'; readonly handle: number; readonly ids: readonly number[]}
  | {readonly what: 'close'; readonly handle: number};

export type Answer =
  | {readonly ids: Int32Array}
  | {readonly text: string}
  | {readonly refused: string}
  | {readonly done: true};

export interface ThreadData {
  readonly port: MessagePort;
  /** Counts the answers given [1]. */
  readonly answers: Int32Array;
}

/** Longest wait for one answer, in ms: a thread that ended never gives any. */
const PATIENCE = 600_000;

class ReferenceThread {
  private readonly answers = new Int32Array(new SharedArrayBuffer(4));
  private readonly port: MessagePort;
  private opened = 0;

  constructor() {
    const {port1, port2} = new MessageChannel();
    const workerData: ThreadData = {port: port2, answers: this.answers};
    const worker = new Worker(new URL('./reference-thread.js', import.meta.url), {
      workerData,
      transferList: [port2],
      execArgv: [],
    });
    worker.unref();
    port1.unref();
    this.port = port1;
  }

  /** Errors: Error with the reason of a refusal. */
  ask(question: Question): Answer {
    const before = Atomics.load(this.answers, 0);
    this.port.postMessage(question);
    // Woken by the notice of an earlier answer as well, which may come late.
    while (Atomics.load(this.answers, 0) === before)
      if (Atomics.wait(this.answers, 0, before, PATIENCE) === 'timed-out') break;
    const answer: Answer | undefined = receiveMessageOnPort(this.port)?.message;
    if (answer === undefined) throw new Error('the thread of the tokenizers package gave no answer');
    if ('refused' in answer) throw new Error(answer.refused);
    return answer;
  }

  nextHandle(): number {
    return this.opened++;
  }
}

let thread: ReferenceThread | undefined;
let installed: boolean | undefined;

/** Tokenizers that nobody can reach any more need no memory in the thread. */
const unreachable = new FinalizationRegistry<number>(handle => thread?.ask({what: 'close', handle}));

function isInstalled(): boolean {
  if (installed === undefined) {
    try {
      createRequire(import.meta.url)('tokenizers');
      installed = true;
    } catch (error) {
      installed = false;
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      console.warn(
        `bmojo: Hugging Face's reference tokenizers do not load (${reason}); the implementation for browsers takes their place ` +
          'and refuses what it would encode otherwise. Install them with: npm install tokenizers@0.23.2',
      );
    }
  }
  return installed;
}

/** Undefined, and one warning in the life of the process, where the package is not installed or has no binary for it. */
export function openReference(json: string): InnerTokenizer | undefined {
  if (!isInstalled()) return undefined;
  thread ??= new ReferenceThread();
  const own = thread;
  const handle = own.nextHandle();
  own.ask({what: 'open', handle, json});
  const inner: InnerTokenizer = {
    encode: text => {
      const answer = own.ask({what: 'encode', handle, text});
      return 'ids' in answer ? answer.ids : new Int32Array();
    },
    decode: ids => {
      const answer = own.ask({what: 'decode', handle, ids});
      return 'text' in answer ? answer.text : '';
    },
  };
  unreachable.register(inner, handle);
  return inner;
}
