// Says of a training that learns nothing that it does, and what helps: half-way, while it can be stopped, and in the end.

import type {Report, WorkloadFamily} from '../experiments/families/index.js';
import type {RunConfig} from '../experiments/run-config.js';

export class Adviser {
  private isTold = false;

  constructor(
    private readonly family: WorkloadFamily,
    private readonly config: RunConfig,
    private readonly output: {write(text: string): unknown},
  ) {}

  /** Told of each evaluation. */
  see(step: number, report: Report): void {
    const {steps} = this.config.train;
    if (step < steps && (this.isTold || step < steps / 2)) return;
    const words = this.family.advice?.(report, this.config);
    if (words === undefined) return;
    this.isTold = true;
    this.output.write(`note: after ${step} of ${steps} steps ${words}\n`);
  }
}
