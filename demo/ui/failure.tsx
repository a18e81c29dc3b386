// An error as a sentence for people: what was asked for cannot be, something is damaged, or something of ours failed.

import {BmojoError} from '../../errors/bmojo-error.js';
import {DeviceLostError, WorkerError} from '../client.js';

const leads = {
  misuse: 'This cannot be done as asked:',
  damage: 'Something is not as it must be:',
  fault: 'Something of ours failed:',
} as const;

/** Whether it was the visitor who ended a call; one that the browser broke off is told as any other error. */
const isGivenUp = (error: Error): boolean => error.name === 'AbortError' && !(error instanceof WorkerError);

export function Failure({error}: {readonly error?: Error}) {
  if (error === undefined || isGivenUp(error) || error instanceof DeviceLostError) return null;
  const kind = error instanceof WorkerError || error instanceof BmojoError ? error.kind : 'fault';
  return (
    <p class="failure" role="alert">
      <strong>{leads[kind]}</strong> {error.message}
    </p>
  );
}

/** That the GPU was lost, and what becomes of the page's work. */
export function Lost({reason, next}: {readonly reason?: string; readonly next: string}) {
  if (reason === undefined) return null;
  return (
    <p class="failure" role="alert">
      <strong>The graphics device was lost.</strong> {reason} {next}
    </p>
  );
}
