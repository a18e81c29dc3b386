// The page's entry: everything that computes lies in a worker, see client.ts.

import {render} from 'preact';
import {App} from './app.js';

render(<App />, document.getElementById('app')!);
