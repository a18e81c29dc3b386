// The GPU suite in headless Chromium: one case of each op. All cases and layers are in the slow tests.

import {browserTests} from '../support/browser-suite.js';

describe('webgpu in Chromium', () => {
  browserTests('quick');
});
