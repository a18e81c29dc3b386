// What the page and its worker say to one another: calls by name, each with what it is asked, what it tells on the way and
// what it answers in the end.

import type {BenchCall} from './worker/bench.js';
import type {DeviceCall} from './worker/device.js';
import type {AttendCall, InspectCall} from './worker/inspect.js';
import type {KeepCall} from './worker/keep.js';
import type {MemoryCall} from './worker/memory.js';
import type {BringCall, ModelsCall} from './worker/models.js';
import type {RunsCall} from './worker/runs.js';
import type {TrainCall} from './worker/train.js';
import type {TwinsCall} from './worker/twins.js';
import type {StateCall, WriteCall} from './worker/write.js';

/** A call: `request` goes to the worker, any number of `event`s come back, then one `result`. */
export interface Call<Request, Event, Result> {
  readonly request: Request;
  readonly event: Event;
  readonly result: Result;
}

/** Every call that the worker knows. */
export interface Calls {
  readonly device: DeviceCall;
  readonly bench: BenchCall;
  readonly train: TrainCall;
  readonly runs: RunsCall;
  readonly keep: KeepCall;
  readonly models: ModelsCall;
  readonly bring: BringCall;
  readonly write: WriteCall;
  readonly state: StateCall;
  readonly memory: MemoryCall;
  readonly inspect: InspectCall;
  readonly attend: AttendCall;
  readonly twins: TwinsCall;
}

export type CallName = keyof Calls;

/** From the page to the worker. */
export type Order =
  | {
      [K in CallName]: {readonly id: number; readonly name: K; readonly request: Calls[K]['request']};
    }[CallName]
  | {readonly id: number; readonly name: 'cancel'};

/** An error as it crosses to the page: `name` and `kind` of the library's errors, or of any other. */
export interface ToldError {
  readonly name: string;
  /** `misuse`, `damage`, or `fault` for what nobody expected. */
  readonly kind: 'misuse' | 'damage' | 'fault';
  readonly message: string;
}

/** From the worker to the page. */
export type Answer =
  | {readonly id: number; readonly type: 'event'; readonly event: unknown}
  | {readonly id: number; readonly type: 'result'; readonly result: unknown}
  | {readonly id: number; readonly type: 'failed'; readonly error: ToldError}
  /** The GPU is gone, and all that the worker held with it: it can answer nothing more. */
  | {readonly type: 'lost'; readonly reason: string};

/** What the worker does for a call. `signal` is aborted when the page no longer wants it. */
export type Handler<K extends CallName> = (
  request: Calls[K]['request'],
  context: {readonly tell: (event: Calls[K]['event']) => void; readonly signal: AbortSignal},
) => Promise<Calls[K]['result']>;
