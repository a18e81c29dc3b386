// What a public docstring must say, as far as a rule can see: a sentence, shapes where there are tensors, errors where some
// are thrown.

import type {PublicName} from './public-names.js';

const FEWEST_WORDS = 6;

/** Types of tensors, as declarations write them. */
const TENSOR = /\b(?:Symbolic)?Tensor(?:\dD)?\b/;

/** A shape in the letters of the field, such as `[B, L, D]`, or the word for those that do not matter. */
const SHAPE =
  /\[[^\]\n]*(?<!\w)(?:B|L|D|E|N|H|G|Dh|w|me|mf|R|V|K|C|k|\d)(?!\w)[^\]\n]*\]|\bscalar\b|\bany shape\b/i;

/** Code that refuses what it is given: by itself, or by what checks arguments and settings. */
const REFUSAL = /\bthrow |\b(?:refuse|runOp|parseSettings|splitConfig|singleInput)\(/;

/** The first paragraph, without what it says of errors. */
function firstSentence(docstring: string): string {
  return docstring
    .split(/\n\s*\n/)[0]
    .replace(/\bErrors: [\s\S]*/, '')
    .replace(/\{@link ([^}]*)\}/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Types whose members users write. */
const WRITTEN = /(?:Options|Args|Config|Contents)$/;

/** Types that TypeScript derives from others: editors show no comment at a member of theirs. */
const DERIVED = /\b(?:Omit|Pick|Partial|Required)</;

/** Members of a built declaration that have no comment of their own. */
function silentMembers(declaration: string): string[] {
  const lines = declaration.split('\n');
  return lines.flatMap((line, i) => {
    const [, member] = /^ {4}(?:readonly )?(\w+)\??[:(]/.exec(line) ?? [];
    return member === undefined || /\*\/\s*$/.test(lines[i - 1]) ? [] : [member];
  });
}

/** What is missing where users write the members of a type. */
export function memberFaults({name, declaration}: Pick<PublicName, 'name' | 'declaration'>): string[] {
  if (!WRITTEN.test(name)) return [];
  const derived = DERIVED.test(declaration.split('\n')[0])
    ? ['is derived, so that editors show nothing']
    : [];
  return [...derived, ...silentMembers(declaration).map(member => `has no comment at ${member}`)];
}

/** What is missing in the docstrings of a name and of its members, in words; nothing where they are as they must be. */
export function docstringFaults({
  docstring,
  declaration,
  code,
}: Pick<PublicName, 'docstring' | 'declaration' | 'code'>): string[] {
  if (docstring === '') return ['has no docstring'];
  const sentence = firstSentence(docstring);
  const comments = [docstring, ...(declaration.match(/\/\*\*[\s\S]*?\*\//g) ?? [])].join('\n');
  const types = declaration.replace(/\/\*[\s\S]*?\*\//g, '');
  const faults: string[] = [];
  if (sentence.split(' ').length < FEWEST_WORDS || !sentence.endsWith('.'))
    faults.push(`must begin with a full sentence of at least ${FEWEST_WORDS} words, not '${sentence}'`);
  if (TENSOR.test(types) && !SHAPE.test(comments))
    faults.push('takes or gives tensors and must name their shapes, such as [B, L, D]');
  if (REFUSAL.test(code) && !comments.includes('Errors: '))
    faults.push('refuses some arguments and must say which, behind `Errors: `');
  return faults;
}
