// What the layouts with Mamba-2 mixers have in common: their settings out of config.json, where the weights lie, and back.

import {mamba2Sizes} from '../../layers/mamba2-memory.js';
import type {ModelConfig} from '../config.js';
import type {CheckpointConfig} from './checkpoint-config.js';
import type {PlaceTable} from './layout.js';
import {matrix, taps} from './layout.js';

/** Infinity as Python writes it into JSON, and as transformers does since its version 5. */
const NO_LIMIT: readonly unknown[] = ['Infinity', JSON.stringify({__float__: 'Infinity'})];

/** Refuses bounds of step sizes, which our layers do not have. Errors: CheckpointImportError. */
function refuseStepLimits(config: CheckpointConfig): void {
  if (!config.has('time_step_limit')) return;
  const [least, most] = config.list('time_step_limit', 2);
  const isOpen = NO_LIMIT.includes(typeof most === 'string' ? most : JSON.stringify(most));
  if (least !== 0 || !isOpen) config.fail('time_step_limit', '[0, Infinity], no limits');
}

/** Names of the sizes of a checkpoint's Mamba-2 mixers. */
export interface SsmNames {
  readonly heads: string;
  readonly headWidth: string;
  readonly groups: string;
  readonly stateSize: string;
  readonly convWidth: string;
  readonly convBias: string;
  readonly expand: string;
}

/** As Bamba names them, and what descends from it. */
export const bambaNames: SsmNames = {
  heads: 'mamba_n_heads',
  headWidth: 'mamba_d_head',
  groups: 'mamba_n_groups',
  stateSize: 'mamba_d_state',
  convWidth: 'mamba_d_conv',
  convBias: 'mamba_conv_bias',
  expand: 'mamba_expand',
};

/** Settings of the SSM; `inner` is its inner width where config.json says it, and `defaults` are those of the layout. */
export function ssmSettings(
  config: CheckpointConfig,
  own: SsmNames,
  defaults: {heads: number; headWidth: number | 'auto'; groups: number; stateSize: number},
  inner?: number,
) {
  refuseStepLimits(config);
  const width = inner ?? config.expandedWidth(own.expand);
  const heads = config.count(own.heads, defaults.heads);
  const absent = defaults.headWidth === 'auto' ? undefined : defaults.headWidth;
  const isAutomatic = (config.get(own.headWidth) ?? absent ?? 'auto') === 'auto';
  const headWidth = isAutomatic ? Math.trunc(width / heads) : config.count(own.headWidth, absent);
  if (width % headWidth !== 0) config.fail(own.headWidth, `a divisor of the inner width ${width}`);
  if (heads * headWidth !== width)
    config.fail(
      own.heads,
      `${width / headWidth}, so that heads of ${headWidth} channels make the inner width ${width}`,
    );
  const groups = config.count(own.groups, defaults.groups);
  if (heads % groups !== 0) config.fail(own.groups, `a divisor of the ${heads} heads`);
  return {
    ssmKind: 'mamba2',
    innerWidth: width,
    ssmHeadWidth: headWidth,
    ssmGroups: groups,
    stateSize: config.count(own.stateSize, defaults.stateSize),
    convWidth: config.count(own.convWidth, 4),
    convBias: config.flag(own.convBias, true),
  } as const;
}

/** config.json of an SSM. Errors: SettingError for heads that do not fit. */
export function describeSsm(config: ModelConfig, own: SsmNames) {
  const {inner, heads, headWidth, groups, stateSize, convWidth} = mamba2Sizes(config, config.dModel);
  return {
    [own.heads]: heads,
    [own.headWidth]: headWidth,
    [own.groups]: groups,
    [own.stateSize]: stateSize,
    [own.convWidth]: convWidth,
    [own.convBias]: config.convBias,
    // The library takes whole ones alone; others do not come back, and so the model is none of the layout.
    [own.expand]: Math.floor(inner / config.dModel),
  };
}

/** Weights of a Mamba-2 mixer whose tensors begin with `at`. */
export function ssmPlaces(at: string): PlaceTable {
  return {
    'block_#/ssm.in_proj': matrix(`${at}.in_proj.weight`),
    'block_#/ssm.in_bias': `${at}.in_proj.bias`,
    'block_#/ssm.conv_weight': taps(`${at}.conv1d.weight`),
    'block_#/ssm.conv_bias': `${at}.conv1d.bias`,
    'block_#/ssm.dt_bias': `${at}.dt_bias`,
    'block_#/ssm.A_log': `${at}.A_log`,
    'block_#/ssm.D': `${at}.D`,
    'block_#/ssm.norm': `${at}.norm.weight`,
    'block_#/ssm.out_proj': matrix(`${at}.out_proj.weight`),
    'block_#/ssm.out_bias': `${at}.out_proj.bias`,
  };
}
