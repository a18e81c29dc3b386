// Python's text.strip(characters) in templates: the Jinja library takes white space away whatever it is told to.

import {isRecord} from '../../formats/json-text.js';

/** Whether characters go at the start and at the end. */
const sides: Readonly<Record<string, readonly [boolean, boolean]>> = {
  strip: [true, true],
  lstrip: [true, false],
  rstrip: [false, true],
};

/** No template can write a name that begins with a space, and so it hides none of its own. */
const hidden = (name: string): string => ` ${name}`;

function stripped(text: string, characters: string, [atStart, atEnd]: readonly [boolean, boolean]): string {
  const set = new Set(characters);
  const all = [...text];
  let [begin, end] = [0, all.length];
  while (atStart && begin < end && set.has(all[begin])) begin++;
  while (atEnd && begin < end && set.has(all[end - 1])) end--;
  return all.slice(begin, end).join('');
}

/** What the calls that {@link useStrips} leaves behind find, by name. */
export const stripFunctions = Object.fromEntries(
  Object.entries(sides).map(([name, own]) => [
    hidden(name),
    (text: string, characters: string): string => stripped(text, characters, own),
  ]),
);

/** Name of the method that a call with arguments calls, where it is one of these. */
function stripOf({type, callee, args}: Record<string, unknown>): string | undefined {
  if (type !== 'CallExpression' || !Array.isArray(args) || args.length === 0 || !isRecord(callee))
    return undefined;
  const {property, computed} = callee;
  const name =
    callee.type === 'MemberExpression' && computed === false && isRecord(property) && property.value;
  return typeof name === 'string' && Object.hasOwn(sides, name) ? name : undefined;
}

/** Lets every such call in a parsed template, and in what it holds, call the functions here. */
export function useStrips(node: unknown): void {
  if (Array.isArray(node)) node.forEach(useStrips);
  if (!isRecord(node)) return;
  const name = stripOf(node);
  if (name !== undefined && isRecord(node.callee) && Array.isArray(node.args)) {
    node.args = [node.callee.object, ...node.args];
    node.callee = {type: 'Identifier', value: hidden(name)};
  }
  Object.values(node).forEach(useStrips);
}
