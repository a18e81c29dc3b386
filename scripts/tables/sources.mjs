// Digests of the sources of the TensorFlow addon, in C++ for the addon and in TypeScript for what loads it: an addon that was
// built from others is refused.
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {join, relative, sep} from 'node:path';
import {folderOfOps, NOTE, root} from './registry.mjs';

/** Programs that test and time the kernels, which are in no addon. */
const HARNESS = /\/(native\/cuda\/harness\/.*|native\/tensorflow\/harness\.cc|workloads\.cc)$/;
const isSource = {
  cpu: path => /\.(h|cc|gyp)$/.test(path) && !HARNESS.test(path) && !path.includes('/native/cuda/'),
  cuda: path => /\.(h|cc|gyp|cu|cuh)$/.test(path) && !HARNESS.test(path),
};

/**
 * {path: text} of all that addons are compiled from: files below custom-ops and, of `tables`, the generated ones. Generated
 * files that lie there are left out, since they may be of before.
 */
export function addonSources(tables) {
  const paths = readdirSync(folderOfOps, {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile() && !entry.name.includes('.generated.'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .filter(isSource.cuda);
  return {
    ...Object.fromEntries(paths.map(path => [path, readFileSync(join(root, path), 'utf8')])),
    ...Object.fromEntries(Object.entries(tables).filter(([path]) => isSource.cuda(path))),
  };
}

/** SHA-256 of paths and texts, whatever their order and their ends of lines. */
export function digestOf(sources) {
  const hash = createHash('sha256');
  for (const path of Object.keys(sources).sort())
    hash.update(`${JSON.stringify([path, sources[path].replaceAll('\r\n', '\n')])}\n`);
  return hash.digest('hex');
}

/** {cpu, cuda}: the digest for an addon without CUDA kernels, and for one with them. */
export function sourceDigests(sources) {
  const entries = Object.entries(sources);
  const digest = kind => digestOf(Object.fromEntries(entries.filter(([path]) => isSource[kind](path))));
  return {cpu: digest('cpu'), cuda: digest('cuda')};
}

export function digestsHeader({cpu, cuda}) {
  return `// ${NOTE}
#pragma once

namespace bmojo {

/** SHA-256 of the sources that this addon is compiled from. */
#ifdef BMOJO_CUDA
constexpr char kSources[] = "${cuda}";
#else
constexpr char kSources[] = "${cpu}";
#endif

}  // namespace bmojo
`;
}

/** Typed as any text, so that other digests are the same declaration and nothing else is compiled anew. */
export function digestsModule({cpu, cuda}) {
  return `// ${NOTE}

/** SHA-256 of the sources of the addon without CUDA kernels, and of the one with them. */
export const sourceDigests: Readonly<Record<'cpu' | 'cuda', string>> = {
  cpu: '${cpu}',
  cuda: '${cuda}',
};
`;
}
