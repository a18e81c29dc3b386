// The laws of the kernels of gpu-parity's part 'ssd' on WebGPU.

import {gpuParityTests} from '../support/gpu-parity.js';

gpuParityTests('ssd');
