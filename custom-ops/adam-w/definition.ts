import {checkInteger, checkNumber} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {AdamWAttributes} from './attributes.js';
import {adamWFactorNames, adamWFactors} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

const LAST_BELOW_ONE = 1 - 2 ** -24;

export const adamWOp: OpDefinition<AdamWAttributes> = {
  name: 'adamW',
  inputs: {
    parameter: {shape: '*', dtype: 'float32', inPlace: true},
    gradient: {shape: '*', dtype: 'float32'},
    firstMoment: {shape: '*', dtype: 'float32', inPlace: true},
    secondMoment: {shape: '*', dtype: 'float32', inPlace: true},
    gradientScale: {shape: '', dtype: 'float32', optional: true, shared: true},
    skipped: {shape: '', dtype: 'float32', optional: true, shared: true},
  },
  outputs: {},
  attributes: {
    learningRate: {type: 'float', varies: true},
    beta1: {type: 'float', varies: true},
    beta2: {type: 'float', varies: true},
    epsilon: {type: 'float', varies: true},
    weightDecay: {type: 'float', varies: true},
    step: {type: 'int', least: 1, varies: true},
  },
  varying: {names: adamWFactorNames, type: 'float32', compute: adamWFactors},
  checkAttributes: ({learningRate, beta1, beta2, epsilon, weightDecay, step}) => {
    checkNumber('adamW', 'learningRate', learningRate, 0);
    checkNumber('adamW', 'beta1', beta1, 0, LAST_BELOW_ONE);
    checkNumber('adamW', 'beta2', beta2, 0, LAST_BELOW_ONE);
    checkNumber('adamW', 'epsilon', epsilon, 0);
    checkNumber('adamW', 'weightDecay', weightDecay, 0);
    checkInteger('adamW', 'step', step, 1);
  },
  forward: {
    reference: forward,
    native: {symbol: 'adam_w', scalars: ['*', ...adamWFactorNames]},
  },
  composed,
  cases,
  sample: {
    secondMoment: (random, _dims, _attrs, length) => Array.from({length}, () => random.uniform()),
    skipped: (_random, _dims, {step}) => [Math.floor(step / 2)],
  },
};
