// Your model: a folder that the command line wrote, opened here; malformed files are told in the library's own words.

import {useSignal} from '@preact/signals';
import {useEffect} from 'preact/hooks';
import type {ModelProgress} from '../../../models/index.js';
import {droppedFiles} from '../../../models/model-folder/in-files.js';
import {Button} from '../../ui/button.js';
import {bytesText} from '../../ui/bytes.js';
import {Failure, Lost} from '../../ui/failure.js';
import {dtypeIn, dtypeParts, HeldAs} from '../../ui/held-as.js';
import {Transfer} from '../../ui/transfer.js';
import {useWorker} from '../../ui/use-worker.js';
import type {BroughtFile, ListedModel, ModelFacts} from '../../worker/models.js';

export function YoursPage() {
  const {error, lost, guarded} = useWorker();
  const models = useSignal<readonly ListedModel[]>([]);
  const facts = useSignal<ModelFacts | undefined>(undefined);
  const progress = useSignal<ModelProgress | undefined>(undefined);
  const over = useSignal(false);
  const dtype = useSignal(dtypeIn(new URLSearchParams(location.hash.split('?')[1])));

  const list = (remove?: string): Promise<void> =>
    guarded(async client => {
      models.value = await client.call('models', {remove});
      if (facts.value?.name === remove) facts.value = undefined;
    });
  useEffect(() => {
    void list();
  }, []);

  const bring = (files: readonly BroughtFile[]): Promise<void> =>
    guarded(async client => {
      facts.value = undefined;
      try {
        facts.value = await client.call(
          'bring',
          {files, dtype: dtype.value},
          {
            onEvent: event => {
              progress.value = event;
            },
          },
        );
      } finally {
        progress.value = undefined;
        // Also what was refused as it was to be held is kept, and every page can open it otherwise.
        models.value = await client.call('models', {});
      }
    });

  const chosen = (input: HTMLInputElement): void => {
    const files = [...(input.files ?? [])].map(file => ({path: file.webkitRelativePath || file.name, file}));
    // The same files can be chosen again, to be held otherwise: a browser tells nothing of files that an input has already.
    input.value = '';
    if (files.length > 0) void bring(files);
  };

  const {card} = facts.value ?? {};
  const rows: readonly (readonly [string, string])[] =
    facts.value === undefined
      ? []
      : [
          ['name here', facts.value.name],
          ['what', card?.title ?? 'unknown: the folder has no card'],
          ['parameters', facts.value.parameters.toLocaleString('en')],
          ['weights in memory', `${bytesText(facts.value.weightBytes)}, matrices in ${facts.value.dtype}`],
          ['trained by', card?.command ?? 'unknown'],
          ['steps', String(card?.training?.step ?? 'unknown')],
          ...facts.value.stateBytes.map(
            ({tokens, bytes}) =>
              [`state after ${tokens.toLocaleString('en')} tokens`, bytesText(bytes)] as const,
          ),
        ];
  /** Where a page opens it, held as it is here. */
  const addressOf = (page: string, {name, dtype: own}: ModelFacts): string =>
    `#/${page}?${new URLSearchParams({model: name, ...dtypeParts(own)})}`;
  const held = models.value.filter(({kept}) => kept);
  return (
    <>
      <h1>Your model</h1>
      <p>
        Drop the folder of a model here: the <code>model</code> or <code>model-best</code> of a run, or what{' '}
        <code>bmojo model export</code> wrote, or a folder of Hugging Face with <code>config.json</code> and{' '}
        <code>safetensors</code>. It stays in this browser, and every page can open it.
      </p>
      <HeldAs
        dtype={dtype.value}
        onChoose={one => {
          dtype.value = one;
          history.replaceState(null, '', `#/yours?${new URLSearchParams(dtypeParts(one))}`);
        }}
      />
      <div
        class={over.value ? 'drop over' : 'drop'}
        onDragOver={event => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={event => {
          event.preventDefault();
          over.value = false;
          const {dataTransfer} = event;
          if (dataTransfer === null) return;
          void guarded(async () => {
            const files = await droppedFiles(dataTransfer);
            await bring(files.map(({path, file}) => ({path, file: file as File})));
          });
        }}
      >
        <p>Drop a folder or its files</p>
        <p class="actions">
          <label class="file">
            Choose a folder
            {/* Browsers take a folder for an input that has this attribute alone. */}
            <input
              type="file"
              ref={input => input?.setAttribute('webkitdirectory', '')}
              onChange={event => chosen(event.currentTarget)}
            />
          </label>
          <label class="file">
            Choose files
            <input type="file" multiple onChange={event => chosen(event.currentTarget)} />
          </label>
        </p>
      </div>
      <Failure error={error.value} />
      <Lost reason={lost.value} next="Bring the model again if it is not listed below." />
      <Transfer progress={progress.value} />
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="The model">
          <table>
            <tbody>
              {rows.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td class="words">{value}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="actions">
            {card?.model !== undefined && facts.value !== undefined && (
              <a href={addressOf('microscope', facts.value)}>Look into its memory</a>
            )}{' '}
            {facts.value?.writesText && <a href={addressOf('write', facts.value)}>Write with it</a>}
          </p>
        </div>
      )}
      <h2>Kept in this browser</h2>
      {held.length === 0 && <p>No model yet.</p>}
      <ul class="plain">
        {held.map(({name, title, bytes}) => (
          <li key={name}>
            {name}: {title} ({bytesText(bytes ?? 0)}){' '}
            <Button onPress={() => void list(name)}>Delete {name}</Button>
          </li>
        ))}
      </ul>
    </>
  );
}
