// How attention divides between the memories, a bar for each layer.

const memories = ['window', 'fading', 'eidetic'] as const;

export interface SharesProps {
  /** For each layer its shares of window, fading and eidetic memory; each sums to 1, or to 0 without attention. */
  readonly layers: readonly (readonly number[])[];
}

export function Shares({layers}: SharesProps) {
  const words = (layer: readonly number[]): string =>
    memories.map((memory, i) => `${memory} ${Math.round(100 * layer[i])} %`).join(', ');
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
                style={{width: `${100 * layer[i]}%`}}
                title={`${memory} ${Math.round(100 * layer[i])} %`}
              />
            ))}
          </span>
        </div>
      ))}
    </figure>
  );
}
