// A page's worker, the error of its last call and the loss of its GPU; the worker ends, and its memory is given back, when the
// page is left.

import type {Signal} from '@preact/signals';
import {useSignal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import {Client} from '../client.js';

export interface PageWorker {
  readonly error: Signal<Error | undefined>;
  /** Why the GPU was lost; undefined while it was not. */
  readonly lost: Signal<string | undefined>;
  /** Runs `body` with the worker; what it throws becomes `error`, in words for people. */
  guarded(body: (client: Client) => Promise<void>): Promise<void>;
}

/** `onLost` is called when the GPU was lost, and all that the worker held with it; calls are answered again. */
export function useWorker(onLost: () => void = () => {}): PageWorker {
  const error = useSignal<Error | undefined>(undefined);
  const lost = useSignal<string | undefined>(undefined);
  const client = useRef<Client | undefined>(undefined);
  const recover = useRef(onLost);
  recover.current = onLost;
  useEffect(
    () => () => {
      client.current?.close();
      client.current = undefined;
    },
    [],
  );
  return {
    error,
    lost,
    guarded: async body => {
      client.current ??= new Client(reason => {
        lost.value = reason;
        recover.current();
      });
      error.value = undefined;
      try {
        await body(client.current);
      } catch (caught) {
        error.value = caught instanceof Error ? caught : new Error(String(caught));
      }
    },
  };
}
