// Says of a training that learns nothing that it does, and what helps: half-way, while it can be stopped, and in the end; and of
// one that ends before its last step, why.

import type {Report, WorkloadFamily} from '../experiments/families/index.js';
import type {RunConfig} from '../experiments/run-config.js';

export class Adviser {
  private isTold = false;
  private last?: Report;

  constructor(
    private readonly family: WorkloadFamily,
    private readonly config: RunConfig,
    private readonly output: {write(text: string): unknown},
  ) {}

  /** Told of each evaluation. */
  see(step: number, report: Report): void {
    this.last = report;
    const {steps} = this.config.train;
    if (step < steps && (this.isTold || step < steps / 2)) return;
    const words = this.family.advice?.(report, this.config);
    if (words === undefined) return;
    this.isTold = true;
    this.output.write(`note: after ${step} of ${steps} steps ${words}\n`);
  }

  /** Told of the end of a training that nothing interrupted. */
  end(step: number): void {
    const {steps, stopAccuracy, patience} = this.config.train;
    if (step >= steps || this.last === undefined) return;
    const why =
      stopAccuracy > 0 && this.last.accuracy >= stopAccuracy
        ? `the held-out accuracy reached --stop-accuracy ${stopAccuracy}`
        : `no better held out for ${patience} evaluations (--patience ${patience})`;
    this.output.write(`note: ended after ${step} of ${steps} steps: ${why}\n`);
  }
}
