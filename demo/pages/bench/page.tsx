// Bench: what this device does, as a table that can be copied.

import {useSignal} from '@preact/signals';
import {Button} from '../../ui/button.js';
import {Failure, Lost} from '../../ui/failure.js';
import {useWorker} from '../../ui/use-worker.js';
import type {BenchEvent, BenchRequest} from '../../worker/bench.js';
import type {DeviceBackend} from '../../worker/device.js';
import {benchRows} from './rows.js';

const backends: readonly {readonly name: DeviceBackend; readonly title: string}[] = [
  {name: 'webgpu', title: 'WebGPU'},
  {name: 'wasm', title: 'WebAssembly'},
];

export function BenchPage() {
  const events = useSignal<readonly BenchEvent[]>([]);
  const {error, lost, guarded} = useWorker();
  const running = useSignal<AbortController | undefined>(undefined);
  const copied = useSignal('');
  /** Whether the rows are those of what is measured now. */
  const isBegun = useSignal(false);
  const what = useSignal<BenchRequest['what']>('operators');

  const measure = (backend: DeviceBackend): Promise<void> =>
    guarded(async client => {
      const stop = new AbortController();
      running.value = stop;
      copied.value = '';
      isBegun.value = false;
      // What was measured before stands until something is measured now: what is refused takes nothing away.
      let fresh: readonly BenchEvent[] = [];
      try {
        await client.call(
          'bench',
          {backend, what: what.value, budgetMs: 300},
          {
            signal: stop.signal,
            onEvent: event => {
              fresh = [...fresh, event];
              events.value = fresh;
              isBegun.value = true;
            },
          },
        );
      } finally {
        running.value = undefined;
      }
    });

  const {device, head, rows, markdown} = benchRows(events.value);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(markdown);
    copied.value = 'Copied.';
  };
  return (
    <>
      <h1>What this device does</h1>
      <p>
        Every operator of the layer, or a whole model at work (a training step, a decoded token), with our
        kernels and composed of TensorFlow.js operations, forward and with the gradient. The more times as
        long the composed form takes, the more the kernel is worth.
      </p>
      <div class="actions" role="radiogroup" aria-label="What is measured">
        {(['operators', 'model'] as const).map(one => (
          <label key={one}>
            <input
              type="radio"
              name="what"
              checked={what.value === one}
              disabled={running.value !== undefined}
              onChange={() => {
                what.value = one;
              }}
            />{' '}
            {one === 'operators' ? 'operators' : 'a model at work'}
          </label>
        ))}
      </div>
      <p class="actions">
        {backends.map(({name, title}) => (
          <Button key={name} disabled={running.value !== undefined} onPress={() => void measure(name)}>
            Measure on {title}
          </Button>
        ))}
        <Button disabled={running.value === undefined} onPress={() => running.value?.abort()}>
          Stop
        </Button>
        <Button disabled={rows.length === 0} onPress={() => void copy()}>
          Copy as a table
        </Button>
        <span role="status">{copied.value}</span>
      </p>
      <Failure error={error.value} />
      <Lost reason={lost.value} next="What was measured until then stands; measure again." />
      <p role="status">
        {running.value === undefined
          ? ''
          : isBegun.value
            ? `Measuring, ${rows.length} rows so far ...`
            : 'Measuring ...'}
        {device === undefined ? '' : ` On ${device.name} (${device.backend}).`}
      </p>
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Timings">
          <table>
            <thead>
              <tr>
                {head.map(cell => (
                  <th key={cell} scope="col">
                    {cell}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(row => (
                <tr key={row.slice(0, 3).join()}>
                  {row.map((cell, i) => (
                    <td key={head[i]} class={i > 2 ? 'number' : undefined}>
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
