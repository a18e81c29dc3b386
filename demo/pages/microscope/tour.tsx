// Five steps through the page, for who sees it for the first time.

import {useSignal} from '@preact/signals';

const steps = [
  {
    title: 'Tokens, coloured by surprise',
    words:
      'Every cell is a token. The deeper its colour, the less the fading memory had expected it: that is its innovation.',
  },
  {
    title: 'What is kept',
    words:
      'Tokens of large innovation are kept word for word: underlined while stored, struck where a token of larger innovation took the place, with its number.',
  },
  {
    title: 'What a token reads',
    words:
      'Choose a token by a click or the arrow keys. The bars show how each token divides its attention; below stands what the chosen one reads, and how far back.',
  },
  {
    title: 'Change the memory',
    words:
      'Choose a stored token and forget it. The answer that needed it goes wrong, all others stay: the loss at every position tells.',
  },
  {
    title: 'Why it matters',
    words:
      'The state has a fixed size, however long the text; the cache of a Transformer grows with every token. The last plot shows both.',
  },
] as const;

export function Tour() {
  const at = useSignal<number | undefined>(undefined);
  if (at.value === undefined)
    return (
      <p>
        <button
          type="button"
          onClick={() => {
            at.value = 0;
          }}
        >
          Show me around
        </button>
      </p>
    );
  const step = steps[at.value];
  const go = (by: number): void => {
    const next = (at.value ?? 0) + by;
    at.value = next >= steps.length ? undefined : next;
  };
  return (
    <section class="tour" aria-label="Tour">
      <p role="status">
        <strong>
          {at.value + 1} of {steps.length}: {step.title}.
        </strong>{' '}
        {step.words}
      </p>
      <p class="actions">
        <button type="button" disabled={at.value === 0} onClick={() => go(-1)}>
          Back
        </button>
        <button type="button" onClick={() => go(1)}>
          {at.value === steps.length - 1 ? 'Done' : 'Next'}
        </button>
        <button
          type="button"
          onClick={() => {
            at.value = undefined;
          }}
        >
          Close the tour
        </button>
      </p>
    </section>
  );
}
