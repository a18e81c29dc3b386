// How attention divides between the memories, a bar for each layer.

const names = ['window', 'fading', 'eidetic', 'storage'] as const;

export interface SharesProps {
  /** For each layer its shares of window, fading and eidetic memory, and of storage where it has that; each sums to 1, or to 0 without attention. */
  readonly layers: readonly (readonly number[])[];
}

export function Shares({layers}: SharesProps) {
  const memories = names.slice(0, Math.max(3, ...layers.map(layer => layer.length)));
  const words = (layer: readonly number[]): string =>
    memories.map((memory, i) => `${memory} ${Math.round(100 * (layer[i] ?? 0))} %`).join(', ');
  return (
    <figure class="shares">
      <figcaption>
        Shares of attention{' '}
        {memories.map(memory => (
          <span key={memory} class={`key ${memory}`}>
            {memory}
          </span>
        ))}
      </figcaption>
      {layers.map((layer, index) => (
        <div key={index} class="share-row" role="img" aria-label={`layer ${index + 1}: ${words(layer)}`}>
          <span aria-hidden="true">layer {index + 1}</span>
          <span class="share-bar" aria-hidden="true">
            {memories.map((memory, i) => (
              <span
                key={memory}
                class={memory}
                style={{width: `${100 * (layer[i] ?? 0)}%`}}
                title={`${memory} ${Math.round(100 * (layer[i] ?? 0))} %`}
              />
            ))}
          </span>
        </div>
      ))}
    </figure>
  );
}
