// The laws of the kernels of gpu-parity's part 'scan' on WebGPU.

import {gpuParityTests} from '../support/gpu-parity.js';

gpuParityTests('scan');
