// All tokens of the sequence in rows; only those in sight are in the page, so that ten thousand stay fluent.

import {useSignal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import type {InspectedLayer, ReadRow} from '../../../eval/index.js';
import {memories, ofHead, percent, sharesAt, shown, storedWords} from './words.js';

export interface StripProps {
  readonly pieces: readonly string[];
  readonly layer: InspectedLayer;
  readonly head: number;
  readonly at: number;
  /** What the chosen token reads. */
  readonly reads: readonly ReadRow[];
  onChoose(position: number): void;
}

const CELL = 46;
const ROW = 68;
const SPARE_ROWS = 3;
const MOST_ROWS_IN_SIGHT = 5;

export function Strip({pieces, layer, head, at, reads, onChoose}: StripProps) {
  const box = useRef<HTMLDivElement>(null);
  const columns = useSignal(16);
  const top = useSignal(0);
  const {length} = pieces;
  const rows = Math.ceil(length / columns.value);
  const height = Math.min(rows, MOST_ROWS_IN_SIGHT) * ROW;

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => {
      columns.value = Math.max(4, Math.floor(element.clientWidth / CELL));
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const y = Math.floor(at / columns.value) * ROW;
    if (y < element.scrollTop || y + ROW > element.scrollTop + element.clientHeight)
      element.scrollTop = y - ROW;
  }, [at, columns.value]);

  const move = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at - columns.value,
      ArrowDown: at + columns.value,
      Home: 0,
      End: length - 1,
    };
    const target = steps[event.key];
    if (target === undefined) return;
    event.preventDefault();
    onChoose(Math.min(length - 1, Math.max(0, target)));
  };

  const first = Math.max(0, Math.floor(top.value / ROW) - SPARE_ROWS);
  const last = Math.min(rows, Math.ceil((top.value + height) / ROW) + SPARE_ROWS);
  const begin = first * columns.value;
  const end = Math.min(length, last * columns.value);
  const most = (layer.innovation ?? []).reduce((a, b) => Math.max(a, b), 0);
  const now = new Map((layer.stored ?? []).map(one => [one.position, one]));
  for (const one of layer.stored ?? []) if (one.from <= at && at < one.until) now.set(one.position, one);
  const weights = new Map<number, number>();
  for (const row of reads)
    weights.set(row.position, (weights.get(row.position) ?? 0) + ofHead(row.weights, head));
  return (
    <div
      ref={box}
      id="strip"
      class="strip"
      role="listbox"
      aria-label="Tokens"
      tabIndex={0}
      aria-activedescendant={`token-${at}`}
      style={{height: `${height + 4}px`}}
      onKeyDown={move}
      onClick={event => {
        const token = (event.target as Element).closest('[data-position]');
        if (token instanceof HTMLElement) onChoose(Number(token.dataset.position));
      }}
      onScroll={event => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      <div class="strip-all" role="presentation" style={{height: `${rows * ROW}px`}}>
        {Array.from({length: Math.max(0, end - begin)}, (_, i) => {
          const position = begin + i;
          const span = now.get(position);
          const isStored = span !== undefined && span.from <= at && at < span.until;
          const isGone = span !== undefined && span.until <= at;
          const innovation = layer.innovation?.[position];
          const shares = sharesAt(layer, position, head);
          const weight = weights.get(position) ?? 0;
          const by = isGone && span?.displacedBy !== undefined ? `by ${span.displacedBy}` : '';
          const words = [
            // What is seen comes first, as it must for those who speak to the page.
            `${shown(pieces[position])}${by === '' ? '' : ` ${by}`}: token ${position}`,
            innovation === undefined ? '' : `innovation ${innovation.toPrecision(3)}`,
            storedWords(layer, position),
            weight >= 0.005 ? `read with ${percent(weight)} by the chosen token` : '',
          ]
            .filter(part => part !== '')
            .join(', ');
          return (
            <div
              key={position}
              id={`token-${position}`}
              role="option"
              aria-selected={position === at}
              aria-setsize={length}
              aria-posinset={position + 1}
              aria-label={words}
              title={words}
              class={`token${isStored ? ' stored' : ''}${isGone ? ' gone' : ''}`}
              style={{
                left: `${(position % columns.value) * CELL}px`,
                top: `${Math.floor(position / columns.value) * ROW}px`,
                '--innovation': most > 0 && innovation !== undefined ? Math.max(0, innovation) / most : 0,
                '--read': weight,
              }}
              tabIndex={-1}
              data-position={position}
            >
              <span class="piece">{shown(pieces[position])}</span> <span class="by">{by}</span>
              <span class="share-bar">
                {shares?.map((share, memory) => (
                  <span key={memories[memory]} class={memories[memory]} style={{width: `${100 * share}%`}} />
                ))}
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
