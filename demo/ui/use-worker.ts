// A page's worker and the error of its last call; the worker ends, and its memory is given back, when the page is left.

import type {Signal} from '@preact/signals';
import {useSignal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import {Client} from '../client.js';

export interface PageWorker {
  readonly error: Signal<Error | undefined>;
  /** Runs `body` with the worker; what it throws becomes `error`, in words for people. */
  guarded(body: (client: Client) => Promise<void>): Promise<void>;
}

export function useWorker(): PageWorker {
  const error = useSignal<Error | undefined>(undefined);
  const client = useRef<Client | undefined>(undefined);
  useEffect(
    () => () => {
      client.current?.close();
      client.current = undefined;
    },
    [],
  );
  return {
    error,
    guarded: async body => {
      client.current ??= new Client();
      error.value = undefined;
      try {
        await body(client.current);
      } catch (caught) {
        error.value = caught instanceof Error ? caught : new Error(String(caught));
      }
    },
  };
}
