// The GPU suite in headless Chromium: one case of each op. Every line of every kernel is in the slow tests.

import {browserTests} from '../support/browser-suite.js';

describe('webgpu in Chromium', () => {
  browserTests('quick');
});
