// The demo as a static site: `npm run demo` serves it, `npm run demo:build` writes build/demo, which works under any path.

import {fileURLToPath} from 'node:url';
import {defineConfig} from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: './',
  // What Node alone has is left out, as package.json says for browsers; the sources are served, not what is built of them.
  resolve: {
    alias: [
      {find: '#dawn', replacement: here('../custom-ops/backends/webgpu/no-dawn.ts')},
      {find: '#gradients', replacement: here('../custom-ops/gradients-in-bundles.ts')},
      {find: '#tensorflow', replacement: here('../custom-ops/backends/tensorflow/no-addon.ts')},
    ],
  },
  build: {
    outDir: here('../build/demo'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
  },
  worker: {format: 'es'},
  server: {fs: {allow: [here('..')]}},
});
