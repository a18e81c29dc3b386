// Memory microscope: what a model keeps of what it reads, what it looks at, and what becomes of it when that is changed.

import {useSignal} from '@preact/signals';
import {Button} from '../../ui/button.js';
import {Chart} from '../../ui/chart.js';
import {Failure, Lost} from '../../ui/failure.js';
import {HeldAs} from '../../ui/held-as.js';
import {ModelChoice} from '../../ui/model-choice.js';
import {Transfer} from '../../ui/transfer.js';
import {ChosenToken} from './chosen-token.js';
import {download, drawingOf, htmlOf, pngOf, statePlot} from './drawing.js';
import {Effect} from './effect.js';
import {Interventions} from './interventions.js';
import {formatView} from './link.js';
import {Source} from './source.js';
import {Strip} from './strip.js';
import {Tour} from './tour.js';
import {Twins} from './twins.js';
import {layerOf, tokenOf, useMicroscope} from './use-microscope.js';
import {memories, sharesAt} from './words.js';

const numbers = (count: number): number[] => Array.from({length: count}, (_, i) => i);

export function MicroscopePage() {
  const microscope = useMicroscope();
  const {models, show, askTwins} = microscope;
  const copied = useSignal('');
  const view = microscope.view.value;
  const looked = microscope.looked.value;
  const attended = microscope.attended.value;
  const at = looked === undefined ? 0 : tokenOf(view, looked);
  const choose = (position: number): void => show({at: position});
  const layers = (looked?.after ?? looked?.before)?.layers ?? [];
  const layer = looked === undefined ? undefined : layers[layerOf(view, looked)];
  const head = layer !== undefined && view.head < layer.heads ? view.head : -1;
  const titleOf = (name: string): string => models.value?.find(one => one.name === name)?.title ?? name;
  const title = `Memory of ${titleOf(view.model ?? '')}`;
  const fileName = `memory-${view.model ?? 'model'}`;

  const save = async (kind: 'svg' | 'png' | 'html'): Promise<void> => {
    if (looked === undefined) return;
    const svg = drawingOf(looked, title, head);
    const link = `${location.href.split('#')[0]}${formatView(view)}`;
    const words = `${looked.pieces.length} tokens; the window holds ${layer?.window} tokens, ${layer?.eideticSlots} are kept word for word.`;
    const blob =
      kind === 'png'
        ? await pngOf(svg)
        : kind === 'svg'
          ? new Blob([svg], {type: 'image/svg+xml'})
          : new Blob([htmlOf(svg, title, words, link)], {type: 'text/html'});
    download(`${fileName}.${kind}`, blob);
  };
  const copyLink = async (): Promise<void> => {
    await navigator.clipboard.writeText(location.href);
    copied.value = 'Copied.';
  };
  const count = layer === undefined ? 0 : (sharesAt(layer, at, head)?.length ?? 3);
  const isRead = attended?.position === at && attended.layer === layer?.layer;

  return (
    <>
      <h1>Memory microscope</h1>
      <p>
        B'MOJO reads with three memories: a window of the last tokens, a fading memory of all tokens, and the
        tokens that surprised it most, kept word for word; some models retrieve from storage, where all that
        left the window stays. Here you see them at work, and change them.
      </p>
      <Tour looked={looked} busy={microscope.busy.value} onShow={show} />
      {models.value?.length === 0 && (
        <p role="status">
          There is no model here yet. <a href="#/train">Train one here</a>, or bring one in by{' '}
          <a href="#/yours">Your model</a>.
        </p>
      )}
      {models.value !== undefined && models.value.length > 0 && (
        <>
          <ModelChoice models={models.value} chosen={view.model} onChoose={microscope.choose} />
          <HeldAs dtype={view.dtype} onChoose={dtype => show({dtype})} />
          <Source
            source={view.source}
            onChange={source => show({source, at: undefined, interventions: []})}
          />
        </>
      )}
      <Failure error={microscope.error.value} />
      <Lost reason={microscope.lost.value} next="The model is opened and looked at again." />
      <Transfer progress={microscope.progress.value} />
      {models.value !== undefined && models.value.length > 0 && (
        <p class="actions">
          <Button disabled={!microscope.busy.value} onPress={microscope.stop}>
            Stop
          </Button>
          <Button disabled={!microscope.stopped.value} onPress={microscope.again}>
            Look again
          </Button>
          {microscope.share.value !== undefined && (
            <progress max={1} value={microscope.share.value} aria-label="share of the look that is done" />
          )}
        </p>
      )}
      <p role="status">
        {microscope.busy.value
          ? 'Looking ...'
          : microscope.stopped.value
            ? `Stopped.${looked === undefined ? '' : ' What is shown is what was seen before.'}`
            : looked === undefined
              ? ''
              : `${looked.pieces.length} tokens, on ${looked.device.name} (${looked.device.backend}).`}
      </p>
      {looked !== undefined && layer !== undefined && (
        <>
          <p class="actions">
            <label>
              Layer{' '}
              <select
                value={String(layer.layer)}
                onChange={event => show({layer: Number(event.currentTarget.value)})}
              >
                {numbers(layers.length).map(one => (
                  <option key={one} value={String(one)}>
                    {one + 1}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Head{' '}
              <select
                value={String(head)}
                onChange={event => show({head: Number(event.currentTarget.value)})}
              >
                <option value="-1">mean of all</option>
                {numbers(layer.heads).map(one => (
                  <option key={one} value={String(one)}>
                    {one + 1}
                  </option>
                ))}
              </select>
            </label>
            <span>
              {memories.slice(0, count).map(memory => (
                <span key={memory} class={`key ${memory}`}>
                  {memory}
                </span>
              ))}
            </span>
          </p>
          <Strip
            pieces={looked.pieces}
            layer={layer}
            head={head}
            at={at}
            reads={isRead ? (attended.after ?? attended.before) : []}
            onChoose={choose}
          />
          <p class="note">
            Choose a token by a click or the arrow keys. Deeper colour: less expected. Underlined: kept word
            for word at the chosen token; struck: displaced before it. Blue frame: read by it. The bar below
            each token divides that token's attention.
          </p>
          {attended !== undefined && (
            <ChosenToken
              looked={looked}
              attended={attended}
              head={view.head}
              onChoose={choose}
              onForget={position =>
                show({
                  interventions: [
                    ...view.interventions.filter(one => one.position !== position),
                    {kind: 'forget', position},
                  ],
                })
              }
            />
          )}
          <Interventions
            view={{...view, layer: layer.layer}}
            at={at}
            pieces={looked.pieces}
            window={looked.window}
            eideticSlots={looked.eideticSlots}
            onChange={show}
          />
          <Effect looked={looked} onChoose={choose} />
          {view.source.kind === 'recall' && (
            <>
              <h2>Beside others</h2>
              <p class="actions">
                <Button onPress={() => void askTwins()}>Ask the other models the same</Button>
              </p>
              <Twins
                twins={microscope.twins.value.map(one => ({...one, title: titleOf(one.name)}))}
                onChoose={choose}
              />
            </>
          )}
          <h2 id="state">Its state</h2>
          <div class="one-chart">
            <Chart plot={statePlot(looked.state, titleOf(view.model ?? ''))} />
          </div>
          <h2>Take it with you</h2>
          <p class="actions">
            <Button onPress={() => void copyLink()}>Copy a link</Button>
            {(['svg', 'png', 'html'] as const).map(kind => (
              <Button key={kind} onPress={() => void save(kind)}>
                Save as {kind.toUpperCase()}
              </Button>
            ))}
            <span role="status">{copied.value}</span>
          </p>
        </>
      )}
    </>
  );
}
