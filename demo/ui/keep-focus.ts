// Where the focus goes when what has it leaves the page, as a row does that is deleted: to what stands beside it, not to the
// page's top.

const FOCUSABLE = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';

interface Place {
  readonly element: HTMLElement;
  /** What it lies in, the nearest first. */
  readonly around: readonly HTMLElement[];
  /** All that could have the focus then, in the page's order. */
  readonly order: readonly HTMLElement[];
}

function placeOf(element: HTMLElement, root: HTMLElement): Place {
  const around: HTMLElement[] = [];
  for (let one = element.parentElement; one !== null && root.contains(one); one = one.parentElement)
    around.push(one);
  return {element, around, order: [...root.querySelectorAll<HTMLElement>(FOCUSABLE)]};
}

/** The one behind the place, or else before it, in the nearest of what it lay in that is still there; or that itself. */
function besides({element, around, order}: Place): HTMLElement | undefined {
  const at = order.indexOf(element);
  const near = [...order.slice(at + 1), ...order.slice(0, Math.max(0, at)).reverse()];
  for (const outer of around) {
    if (!outer.isConnected) continue;
    const found = near.find(one => outer.contains(one) && !one.matches(':disabled'));
    if (found !== undefined) return found;
    if (outer.tabIndex >= 0 || outer.hasAttribute('tabindex')) return outer;
  }
  return undefined;
}

/** Watches what lies in `root`, for as long as the page is there. */
export function keepFocus(root: HTMLElement): void {
  let last: Place | undefined;
  root.addEventListener('focusin', ({target}) => {
    if (target instanceof HTMLElement) last = placeOf(target, root);
  });
  root.addEventListener('focusout', () => {
    // Who has left it for nothing wants it nowhere; what was removed is known as such a moment later.
    queueMicrotask(() => {
      if (last?.element.isConnected && document.activeElement === document.body) last = undefined;
    });
  });
  new MutationObserver(() => {
    if (last === undefined || last.element.isConnected) return;
    const place = last;
    last = undefined;
    if (document.activeElement === document.body) besides(place)?.focus({preventScroll: true});
  }).observe(root, {childList: true, subtree: true});
}
