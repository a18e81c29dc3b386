// The demo as a static site: `npm run demo:build` writes build/demo, which works under any path, and `npm run demo` serves
// that; `npm run demo:dev` serves the sources while they are worked on.

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
      {find: '#memory-places', replacement: here('../memory/places/browser.ts')},
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
  // Named, so that they are bundled before a page asks for them: finding one later reloads the page.
  optimizeDeps: {
    include: [
      '@huggingface/jinja',
      '@huggingface/tokenizers',
      '@preact/signals',
      '@tensorflow/tfjs-backend-cpu',
      '@tensorflow/tfjs-backend-wasm',
      '@tensorflow/tfjs-backend-webgpu',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-core/dist/register_all_gradients.js',
      '@tensorflow/tfjs-layers',
      'preact',
      'preact/compat',
      'preact/hooks',
    ],
  },
  preview: {port: 5173},
  server: {fs: {allow: [here('..')]}},
});
