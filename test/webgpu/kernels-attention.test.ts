// The laws of the kernels of gpu-parity's part 'attention' on WebGPU.

import {gpuParityTests} from '../support/gpu-parity.js';

gpuParityTests('attention');
