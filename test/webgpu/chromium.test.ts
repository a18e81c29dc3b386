// The GPU suite in headless Chromium: one case of each op, one layer of each kind.

import {browserTests} from '../support/browser-suite.js';

describe('webgpu in Chromium', () => {
  browserTests('quick');
});
