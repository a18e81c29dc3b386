// The whole GPU suite in headless Chromium: every case of every op, every layer.

import {browserTests} from '../support/browser-suite.js';

describe('webgpu in Chromium, all cases', () => {
  browserTests('all');
});
