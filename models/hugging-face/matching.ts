// Which tensor of a checkpoint becomes which weight: every weight has its tensor, every tensor its use, shapes fit; nothing is
// allocated.

import type {ParameterShape} from '../parameters.js';
import {placeShape} from './conversion.js';
import {refuseImport} from './import-error.js';
import type {Layout, Place, Places} from './layout.js';

/** A tensor by name and shape. */
export interface Found {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A weight of ours, and where it lies. */
export interface Match {
  readonly parameter: ParameterShape;
  readonly place: Place;
}

/** The head of a model whose head is tied: there may be a copy of the embedding under this name of ours. */
const HEAD = 'head/kernel';
const TABLE = 'embedding/table';

/** The place of a weight, with the number of its layer. Undefined where the layout has none. */
export function placeOf(places: Places, name: string): Place | undefined {
  if (typeof places === 'function') return places(name);
  const [, layer] = /^[a-z]+_(\d+)\//.exec(name) ?? [];
  const found = Object.entries(places).find(([key]) => key.replace('#', layer) === name)?.[1];
  if (found === undefined) return undefined;
  const place: Place = typeof found === 'string' ? {key: found, form: 'same'} : found;
  return {...place, key: place.key.replace('#', layer)};
}

/** Names of a checkpoint's tensors as the layout has them. */
export function presentName({renamed = {}}: Layout, name: string): string {
  return Object.hasOwn(renamed, name) ? renamed[name] : name;
}

export interface Matches {
  /** By the present name of the tensor. */
  readonly byTensor: ReadonlyMap<string, readonly Match[]>;
  /** Present name of a tensor that repeats the embedding, and that of the embedding. */
  readonly tied?: {readonly head: string; readonly table: string};
}

/** Errors: CheckpointImportError naming `where` for a tensor that is missing, misshapen or of no use. */
export function matchTensors(
  where: string,
  layout: Layout,
  places: Places,
  parameters: readonly ParameterShape[],
  tensors: readonly Found[],
): Matches {
  const found = new Map<string, Found>();
  for (const tensor of tensors) {
    const name = presentName(layout, tensor.name);
    if (found.has(name)) refuseImport(where, name, 'there once', `it and ${tensor.name}`);
    found.set(name, tensor);
  }
  const byTensor = new Map<string, Match[]>();
  for (const parameter of parameters) {
    const {name, shape} = parameter;
    const place = placeOf(places, name);
    if (place === undefined) throw new Error(`layout ${layout.modelType} has no place for ${name}`);
    const wanted = placeShape(place, shape);
    const tensor = found.get(place.key);
    if (tensor === undefined || tensor.shape.join() !== wanted.join())
      refuseImport(where, place.key, `a tensor [${wanted.join(', ')}]`, tensor?.shape);
    byTensor.set(place.key, [...(byTensor.get(place.key) ?? []), {parameter, place}]);
  }
  const [head, table] = [HEAD, TABLE].map(name => placeOf(places, name)?.key ?? '');
  const isTied = found.has(head) && !byTensor.has(head);
  if (isTied && found.get(head)?.shape.join() !== found.get(table)?.shape.join())
    refuseImport(where, head, 'of the shape of the embedding, to which it is tied', found.get(head)?.shape);
  for (const [name] of found) {
    if (byTensor.has(name) || layout.ignored?.test(name) === true || (isTied && name === head)) continue;
    refuseImport(where, 'the checkpoint', `without tensors that ${layout.modelType} does not have`, name);
  }
  return {byTensor, ...(isTied ? {tied: {head, table}} : {})};
}
