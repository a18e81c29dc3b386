// What the six tasks of MAD (Poli et al., ICML 2024, arXiv 2403.17844) have in common.

import {integer} from '../../config/schema.js';

export const MAD_SOURCE = 'MAD (Poli et al., ICML 2024, arXiv 2403.17844), athms/mad-lab';

export const trainExamples = (count: number) =>
  integer(
    count,
    0,
    2 ** 31 - 1,
    'training samples in all, passed over again and again; 0 draws new ones for ever',
  );
