// Runs in the browser's page: the training loop, from the entries for browsers.

import type {BackendName} from '../../index.js';
import type {ShortTraining} from '../support/short-training.js';
import {shortTraining} from '../support/short-training.js';

declare global {
  interface Window {
    trainShortly(backend: BackendName): Promise<ShortTraining>;
  }
}

window.trainShortly = shortTraining;
