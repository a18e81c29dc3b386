// The frame around the pages: where one is (after the # of the address), the way to the others, dark or light.

import {signal} from '@preact/signals';
import type {ComponentType} from 'preact';
import {lazy, Suspense} from 'preact/compat';
import {Button} from './ui/button.js';

interface Page {
  readonly path: string;
  readonly title: string;
  readonly view: ComponentType;
}

const pages: readonly Page[] = [
  {
    path: 'microscope',
    title: 'Memory microscope',
    view: lazy(async () => (await import('./pages/microscope/page.js')).MicroscopePage),
  },
  {path: 'write', title: 'Write', view: lazy(async () => (await import('./pages/write/page.js')).WritePage)},
  {
    path: 'train',
    title: 'Train here',
    view: lazy(async () => (await import('./pages/train/page.js')).TrainPage),
  },
  {
    path: 'yours',
    title: 'Your model',
    view: lazy(async () => (await import('./pages/yours/page.js')).YoursPage),
  },
  {path: 'bench', title: 'Bench', view: lazy(async () => (await import('./pages/bench/page.js')).BenchPage)},
];

/** What follows the # up to the first question mark names the page; the rest is the page's own. */
function here(): string {
  return location.hash.replace(/^#\/?/, '').split('?')[0];
}

const path = signal(here());
addEventListener('hashchange', () => {
  path.value = here();
});

export function App() {
  const page = pages.find(one => one.path === path.value) ?? pages[0];
  document.title = `${page.title} - B'MOJO in the browser`;
  return (
    <>
      {/* No link: what follows the # of the address names the page. */}
      <Button class="skip" onPress={() => document.getElementById('main')?.focus()}>
        To the content
      </Button>
      <header>
        <p class="brand">B'MOJO</p>
        <nav aria-label="Pages">
          {pages.map(({path: target, title}) => (
            <a key={target} href={`#/${target}`} aria-current={target === page.path ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<p role="status">Loading the page ...</p>}>
          <page.view key={page.path} />
        </Suspense>
      </main>
      <footer>
        <p>Everything is computed on this device; nothing that you type leaves it.</p>
      </footer>
    </>
  );
}
