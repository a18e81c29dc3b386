// Which of an op's inputs a pass binds.

import type {Bindings, ElementType} from './plan.js';

/** Bindings of those of `names` that a call has, such as optional inputs. */
export function presentBindings(
  names: readonly string[],
  present: ReadonlySet<string>,
  type: ElementType = 'f32',
): Bindings {
  return Object.fromEntries(names.filter(name => present.has(name)).map(name => [name, type]));
}
