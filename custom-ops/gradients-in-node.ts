// tf's own gradients in Node, where tfjs-core is one CommonJS file without them: the union of packages carries them there,
// and with them tf's backends cpu and webgl.

import '@tensorflow/tfjs';
