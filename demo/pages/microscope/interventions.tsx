// Interventions: on the chosen token, and in the sizes of the memory.

import {useSignal} from '@preact/signals';
import type {Intervention} from '../../../eval/index.js';
import {Button} from '../../ui/button.js';
import {NumberField} from '../../ui/number-field.js';
import type {View} from './link.js';
import {shown} from './words.js';

export interface InterventionsProps {
  readonly view: View;
  readonly at: number;
  readonly pieces: readonly string[];
  /** Of the model as it was trained. */
  readonly window: number;
  readonly eideticSlots: number;
  onChange(changes: Partial<View>): void;
}

function wordsOf(one: Intervention, pieces: readonly string[]): string {
  const token = `token ${one.position} (${shown(pieces[one.position] ?? '')})`;
  const where =
    one.layers === undefined ? 'in all layers' : `in layer ${one.layers.map(n => n + 1).join(', ')}`;
  if (one.kind === 'swap') return `token ${one.by} in the place of ${token}, ${where}`;
  return `${one.kind === 'pin' ? 'keep' : 'forget'} ${token}, ${where}`;
}

export function Interventions(props: InterventionsProps) {
  const {view, at, pieces, window, eideticSlots, onChange} = props;
  const everywhere = useSignal(true);
  const by = useSignal(0);
  const add = (one: Pick<Intervention, 'kind'> & {readonly by?: number}): void => {
    const layers = everywhere.value ? undefined : [view.layer];
    const place = {position: at, ...(layers === undefined ? {} : {layers})};
    const made: Intervention =
      one.kind === 'swap' ? {kind: 'swap', by: by.value, ...place} : {kind: one.kind, ...place};
    const others = view.interventions.filter(({position}) => position !== at);
    onChange({interventions: [...others, made]});
  };
  const sizes = [
    {key: 'window', name: 'Window', value: view.window ?? window, own: window},
    {key: 'eideticSlots', name: 'Slots', value: view.eideticSlots ?? eideticSlots, own: eideticSlots},
  ] as const;
  const isChanged =
    view.interventions.length > 0 || view.window !== undefined || view.eideticSlots !== undefined;
  return (
    <fieldset>
      <legend>Change its memory</legend>
      <p class="actions">
        <span>
          Token {at} ({shown(pieces[at] ?? '')}):
        </span>
        <Button disabled={eideticSlots === 0} onPress={() => add({kind: 'forget'})}>
          Forget it
        </Button>
        <Button disabled={eideticSlots === 0} onPress={() => add({kind: 'pin'})}>
          Keep it
        </Button>
        <Button disabled={eideticSlots === 0} onPress={() => add({kind: 'swap'})}>
          Put another in its place
        </Button>
        <label>
          token{' '}
          <NumberField
            class="small"
            min={0}
            max={pieces.length - 1}
            value={by.value}
            onChange={value => {
              by.value = value;
            }}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={everywhere.value}
            onChange={event => {
              everywhere.value = event.currentTarget.checked;
            }}
          />{' '}
          in all layers
        </label>
      </p>
      <p class="actions">
        {sizes.map(({key, name, value, own}) => (
          <label key={key}>
            {name}{' '}
            <NumberField
              class="small"
              min={0}
              value={value}
              onChange={given => onChange({[key]: given === own ? undefined : given})}
            />
          </label>
        ))}
        <Button
          disabled={!isChanged}
          onPress={() => onChange({interventions: [], window: undefined, eideticSlots: undefined})}
        >
          Undo all
        </Button>
      </p>
      {view.interventions.length > 0 && (
        <ul class="plain">
          {view.interventions.map(one => (
            <li key={JSON.stringify(one)}>
              {wordsOf(one, pieces)}{' '}
              <Button
                label={`Undo: ${wordsOf(one, pieces)}`}
                onPress={() => onChange({interventions: view.interventions.filter(other => other !== one)})}
              >
                Undo
              </Button>
            </li>
          ))}
        </ul>
      )}
    </fieldset>
  );
}
