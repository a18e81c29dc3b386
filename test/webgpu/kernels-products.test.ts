// The laws of the kernels of gpu-parity's part 'products' on WebGPU.

import {gpuParityTests} from '../support/gpu-parity.js';

gpuParityTests('products');
