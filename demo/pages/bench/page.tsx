// Bench: what this device does, as a table that can be copied.

import {useSignal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import {Client} from '../../client.js';
import {Failure} from '../../ui/failure.js';
import type {BenchEvent} from '../../worker/bench.js';
import type {DeviceBackend} from '../../worker/device.js';
import {benchRows} from './rows.js';

const backends: readonly {readonly name: DeviceBackend; readonly title: string}[] = [
  {name: 'webgpu', title: 'WebGPU'},
  {name: 'wasm', title: 'WebAssembly'},
];

export function BenchPage() {
  const events = useSignal<readonly BenchEvent[]>([]);
  const error = useSignal<Error | undefined>(undefined);
  const running = useSignal<AbortController | undefined>(undefined);
  const copied = useSignal('');
  const client = useRef<Client | undefined>(undefined);
  useEffect(() => () => client.current?.close(), []);

  const measure = async (backend: DeviceBackend): Promise<void> => {
    client.current ??= new Client();
    const stop = new AbortController();
    running.value = stop;
    events.value = [];
    error.value = undefined;
    try {
      await client.current.call(
        'bench',
        {backend, budgetMs: 300},
        {
          signal: stop.signal,
          onEvent: event => {
            events.value = [...events.value, event];
          },
        },
      );
    } catch (caught) {
      error.value = caught instanceof Error ? caught : new Error(String(caught));
    } finally {
      running.value = undefined;
    }
  };

  const {device, head, rows, markdown} = benchRows(events.value);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(markdown);
    copied.value = 'Copied.';
  };
  return (
    <>
      <h1>What this device does</h1>
      <p>
        Every operator of the layer, in our kernel and composed of TensorFlow.js operations, forward and with
        its gradient. The more times as long the composed form takes, the more the kernel is worth.
      </p>
      <p class="actions">
        {backends.map(({name, title}) => (
          <button
            key={name}
            type="button"
            disabled={running.value !== undefined}
            onClick={() => void measure(name)}
          >
            Measure on {title}
          </button>
        ))}
        <button type="button" disabled={running.value === undefined} onClick={() => running.value?.abort()}>
          Stop
        </button>
        <button type="button" disabled={rows.length === 0} onClick={() => void copy()}>
          Copy as a table
        </button>
        <span role="status">{copied.value}</span>
      </p>
      <Failure error={error.value} />
      <p role="status">
        {running.value !== undefined ? `Measuring, ${rows.length} rows so far ...` : ''}
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
