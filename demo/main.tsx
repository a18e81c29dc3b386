// The page's entry: everything that computes lies in a worker, see client.ts.

import {render} from 'preact';
import {App} from './app.js';
import {keepFocus} from './ui/keep-focus.js';

const root = document.getElementById('app')!;
keepFocus(root);
render(<App />, root);
