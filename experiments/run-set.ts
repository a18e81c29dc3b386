// Several runs side by side, each in a process of its own (TensorFlow takes our operators once a process), as one stream of
// events.

import type {ChildProcess} from 'node:child_process';
import {fork} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {BmojoError} from '../errors/bmojo-error.js';
import type {TrainEvent} from '../train/events.js';
import type {Report} from './families/index.js';
import {checkRun} from './run.js';
import type {RunConfig} from './run-config.js';
import {differences} from './run-config.js';
import {RunFolder, RunFolderError} from './run-folder.js';

/** What a worker is told. */
export interface RunOrder {
  readonly path: string;
  readonly resume: boolean;
  readonly command?: string;
  /** Runs that the set trains at the same time. */
  readonly together: number;
  readonly keepsWeights: boolean;
}

/** What a worker says. */
export type RunMessage =
  | {readonly type: 'event'; readonly event: TrainEvent<Report>}
  | {
      readonly type: 'failed';
      readonly message: string;
      /** Whether the message is for users, and no stack. */
      readonly isForUsers: boolean;
    };

/** A run of a set that failed; the others saved and stopped. */
export class RunSetError extends BmojoError {
  override readonly name = 'RunSetError';
  readonly kind = 'damage';
}

/** A run of a set: its name, unique within the set, its folder and its settings. */
export interface NamedRun {
  readonly name: string;
  readonly path: string;
  readonly config: RunConfig;
}

/** An event of one run of a set, with the run's name. */
export interface NamedEvent {
  readonly name: string;
  readonly event: TrainEvent<Report>;
}

/** Options of {@link trainAll}: `jobs` must be given. */
export interface RunSetOptions {
  /** Runs at the same time. */
  readonly jobs: number;
  /** The command that trains, for the cards of the runs' model folders. */
  readonly command?: string;
  /** Whether runs write checkpoints and models; without them one that is stopped begins again. Default true. */
  readonly keepsWeights?: boolean;
  /** When aborted, runs under way end with a checkpoint and no other begins. */
  readonly signal?: AbortSignal;
}

/**
 * The folder of a run that is there already, none where it must be made; nothing is changed.
 * Errors: RunFolderError when it belongs to other settings, or is none of a run.
 */
function existing({path, config}: NamedRun): RunFolder | undefined {
  if (!existsSync(join(path, 'config.json'))) {
    RunFolder.checkFree(path);
    return undefined;
  }
  const folder = RunFolder.open(path);
  const others = differences(folder.config, config);
  if (others.length > 0)
    throw new RunFolderError(
      `${path} holds a run with other settings (${others.join('; ')}); choose another folder with --out`,
    );
  return folder;
}

/** A new folder, left to the process that will train in it. */
function created(path: string, config: RunConfig): RunFolder {
  const folder = RunFolder.create(path, config);
  folder.release();
  return folder;
}

/**
 * Trains all runs, those first that come first, and yields their events as they come. Finished runs are left alone and
 * interrupted ones continued. After the signal no run is begun; those under way save and stop.
 * Errors: those of `checkRun`; RunFolderError for a folder of other settings; RunSetError with the message of a run that failed.
 */
export async function* trainAll(
  runs: readonly NamedRun[],
  {jobs, command, keepsWeights = true, signal}: RunSetOptions,
): AsyncGenerator<NamedEvent, void, void> {
  for (const {config} of runs) await checkRun(config);
  // Nothing is made before every folder is known to be fit.
  const places = runs.map(run => ({run, there: existing(run)}));
  const waiting = places
    .map(({run, there}) => ({run, folder: there ?? created(run.path, run.config)}))
    .filter(({folder}) => !folder.finished);
  const together = Math.min(jobs, waiting.length);
  const queue: (NamedEvent | Error)[] = [];
  const workers = new Set<ChildProcess>();
  let wake: (() => void) | undefined;
  const more = (): Promise<void> =>
    new Promise(resolve => {
      wake = resolve;
    });
  const put = (item?: NamedEvent | Error): void => {
    if (item !== undefined) queue.push(item);
    // At once: whoever reads the events may come to this one later.
    if (item instanceof Error) waiting.length = 0;
    wake?.();
  };
  const begin = (): void => {
    while (workers.size < jobs && signal?.aborted !== true) {
      const next = waiting.shift();
      if (next === undefined) return;
      const {name, path} = next.run;
      const worker = fork(fileURLToPath(new URL('./run-worker.js', import.meta.url)), {
        serialization: 'advanced',
      });
      workers.add(worker);
      const resume = next.folder.checkpoints.lastStep !== undefined;
      worker.send({path, resume, command, together, keepsWeights} satisfies RunOrder);
      let failed = false;
      worker.on('message', (message: RunMessage) => {
        failed ||= message.type === 'failed';
        put(
          message.type === 'event'
            ? {name, event: message.event}
            : message.isForUsers
              ? new RunSetError(`run ${name}: ${message.message}`)
              : new Error(`run ${name}: ${message.message}`),
        );
      });
      worker.on('error', error => put(new Error(`run ${name}: ${error.stack}`)));
      worker.on('exit', (code, killedBy) => {
        workers.delete(worker);
        // A Ctrl-C reaches all processes of a terminal: one that was only just begun ends by it, and has nothing to save.
        const isStopped = signal?.aborted === true && (killedBy === 'SIGINT' || killedBy === 'SIGHUP');
        const died = code !== 0 && !failed && !isStopped;
        put(
          died
            ? new RunSetError(`run ${name}: its process ended with ${killedBy ?? `status ${code}`}`)
            : undefined,
        );
        begin();
      });
    }
  };
  const stop = (): void => {
    for (const worker of workers) if (worker.connected) worker.send('stop');
  };
  signal?.addEventListener('abort', stop);
  try {
    begin();
    while (queue.length > 0 || workers.size > 0) {
      const item = queue.shift();
      if (item instanceof Error) {
        // What the others have computed is saved before it is told.
        stop();
        while (workers.size > 0) await more();
        throw item;
      }
      if (item !== undefined) yield item;
      else await more();
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    for (const worker of workers) worker.kill('SIGKILL');
  }
}
