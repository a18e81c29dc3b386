// Long-term memory: what is remembered of which conversation, and how to have it forgotten.

import {useSignal} from '@preact/signals';
import {Button} from '../../ui/button.js';
import type {MemoryAnswer} from '../../worker/memory.js';

export interface RememberedProps {
  readonly memory: MemoryAnswer;
  /** The conversation that is remembered; none: nothing is. */
  readonly conversation: string | undefined;
  readonly disabled: boolean;
  onChoose(conversation: string | undefined): void;
  onForget(what: {readonly conversation: string} | 'all'): void;
}

export function Remembered({memory, conversation, disabled, onChoose, onForget}: RememberedProps) {
  const name = useSignal(conversation ?? 'my conversation');
  const {canRemember, conversations} = memory;
  if (!canRemember)
    return (
      <p>
        This model has no memory in storage, so that it begins anew each time; one with storage remembers what
        it read in earlier conversations.
      </p>
    );
  return (
    <fieldset>
      <legend>Long-term memory</legend>
      <p>
        What leaves the model's windows is kept in a database of this browser, and read again in later
        conversations of the same name, also when the page is loaded anew. The database's program, 16 MB, is
        fetched from this site when it is first used.
      </p>
      <p>
        How much of it a model uses, it has learned in training. The one that ships with this site learned to
        write from its windows and attends to storage hardly at all, so that what it remembers seldom changes
        its words; how much it was stands below each text.
      </p>
      <p class="actions">
        <label>
          <input
            type="checkbox"
            checked={conversation !== undefined}
            disabled={disabled}
            onChange={event => onChoose(event.currentTarget.checked ? name.value : undefined)}
          />{' '}
          Remember this conversation as
        </label>
        <input
          type="text"
          aria-label="Name of the conversation"
          value={name.value}
          disabled={disabled}
          onInput={event => {
            name.value = event.currentTarget.value;
            if (conversation !== undefined) onChoose(name.value);
          }}
        />
      </p>
      {conversations.length > 0 && (
        <>
          <ul class="plain" aria-label="Remembered conversations">
            {conversations.map(({conversation: one, tokens}) => (
              <li key={one}>
                {one}: {tokens.toLocaleString('en')} tokens{' '}
                <Button disabled={disabled} onPress={() => onForget({conversation: one})}>
                  Forget {one}
                </Button>
              </li>
            ))}
          </ul>
          <p>
            <Button disabled={disabled} onPress={() => onForget('all')}>
              Forget everything
            </Button>
          </p>
        </>
      )}
    </fieldset>
  );
}
