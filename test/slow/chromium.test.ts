// The GPU suite in headless Chromium: every line of every kernel, layers of each kind. Chromium compiles our WGSL with a Dawn of
// its own and runs it on the driver on which Node's tests run all cases of all ops, and all layers.

import {browserTests} from '../support/browser-suite.js';

describe('webgpu in Chromium, every line of every kernel', () => {
  browserTests('thorough');
});
