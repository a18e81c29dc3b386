// Five steps through the page, for who sees it for the first time; each shows what it speaks of.

import {useSignal} from '@preact/signals';
import {useEffect, useLayoutEffect, useRef} from 'preact/hooks';
import {Button} from '../../ui/button.js';
import type {Looked} from '../../worker/inspect.js';
import type {View} from './link.js';
import {tourSteps} from './tour-steps.js';

export interface TourProps {
  /** What is seen now; the tour begins when there is something. */
  readonly looked: Looked | undefined;
  readonly busy: boolean;
  onShow(changes: Partial<View>): void;
}

/** Who asked for less motion is taken there at once. */
function bringIntoSight(id: string): void {
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  document.getElementById(id)?.scrollIntoView({behavior: isStill ? 'auto' : 'smooth', block: 'center'});
}

export function Tour({looked, busy, onShow}: TourProps) {
  const at = useSignal<number | undefined>(undefined);
  const step = at.value === undefined ? undefined : tourSteps[at.value];
  const begin = useRef<HTMLButtonElement>(null);
  const next = useRef<HTMLButtonElement>(null);
  const isOn = step !== undefined;
  const wasOn = useRef(false);
  // The button that was pressed is gone: who uses the keyboard goes on from the one in its place, as soon as it is seen.
  useLayoutEffect(() => {
    if (isOn !== wasOn.current) (isOn ? next : begin).current?.focus({preventScroll: true});
    wasOn.current = isOn;
  }, [isOn]);
  // What a step speaks of can be there only when the worker has looked.
  useEffect(() => {
    if (step !== undefined && !busy) bringIntoSight(step.anchor);
  }, [step, busy]);
  const show = (to: number | undefined): void => {
    at.value = to;
    if (to !== undefined && looked !== undefined) onShow(tourSteps[to].view(looked));
  };
  if (step === undefined || at.value === undefined)
    return (
      <p>
        <Button element={begin} disabled={looked === undefined} onPress={() => show(0)}>
          Show me around
        </Button>
      </p>
    );
  const now = at.value;
  const isLast = now === tourSteps.length - 1;
  return (
    <section class="tour" aria-label="Tour">
      <p role="status">
        <strong>
          {now + 1} of {tourSteps.length}: {step.title}.
        </strong>{' '}
        {step.words}
      </p>
      <p class="actions">
        <Button disabled={now === 0 || busy} onPress={() => show(now - 1)}>
          Back
        </Button>
        <Button element={next} disabled={busy} onPress={() => show(isLast ? undefined : now + 1)}>
          {isLast ? 'Done' : 'Next'}
        </Button>
        <Button onPress={() => show(undefined)}>Close the tour</Button>
      </p>
    </section>
  );
}
