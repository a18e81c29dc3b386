// What a step of a model takes beside its tokens and its memory, and of what kind it is.

import type {Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import type {HostInput} from '../custom-ops/index.js';
import {rotaryAngles} from '../custom-ops/rotary-embedding/table.js';
import type {GivenContext, RotarySpec, RotaryTable, StepKind, TrainingCall} from '../layers/index.js';
import {tableOf} from '../layers/step-context.js';

/** The tables of a step that is given none: made once for all layers. */
export function rotaryTables(specs: readonly RotarySpec[], position: number, length: number): RotaryTable[] {
  return specs.map(spec => ({...spec, cosSin: tableOf({position}, length, spec)}));
}

/** Rotary tables [length, Dh] for tokens position .. position + length - 1, as the host gives them to a step. */
export function rotaryInputs(specs: readonly RotarySpec[], position: number, length: number): HostInput[] {
  // The table of the first positions is kept on the device.
  if (position === 0) return [];
  const rows = Array.from({length}, (_, row) => position + row);
  return specs.map(({headWidth, base}) => ({
    values: Float32Array.from(rotaryAngles(rows, headWidth, base)),
    shape: [length, headWidth],
  }));
}

/** The context of a step whose `rotaryInputs` are these tensors. */
export function rotaryContext(
  specs: readonly RotarySpec[],
  tensors: readonly Tensor[],
  training?: TrainingCall,
): GivenContext {
  const rotary = tensors.map((cosSin, i) => ({...specs[i], cosSin: cosSin as Tensor2D}));
  return rotary.length === 0 ? {training} : {rotary, training};
}

/**
 * The kind of a step of several layers: alike where it is alike in each, whose names stand in the order of the layers, and what
 * varies in one may vary in all.
 */
export function jointKind(kinds: readonly StepKind[]): StepKind {
  const varying: Record<string, StepKind['varying'][string]> = {};
  for (const kind of kinds)
    for (const [op, change] of Object.entries(kind.varying)) {
      const before = varying[op];
      varying[op] = before === undefined ? change : attributes => change(before(attributes));
    }
  return {
    name: kinds.map(({name}) => name).join('; '),
    isPassing: kinds.some(({isPassing}) => isPassing),
    varying,
  };
}
