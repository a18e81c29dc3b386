// Whether the loss is still where it usually is. Before a training breaks down its loss climbs for a while, finite; weights
// from then on are not worth going on with.

/** Losses that are remembered, and how many are needed to judge. */
const MEMORY = 64;
const LEAST = 8;

export class LossRange {
  private readonly usual: number[] = [];
  private left = false;

  /** False since the loss left its range, until it is back in it. */
  get holds(): boolean {
    return !this.left;
  }

  /**
   * Counts a step's loss. It has left its range when it is not finite, or lies above the largest of the last 64 that were
   * in it by more than their whole spread, and by more than a tenth of it.
   */
  see(loss: number): void {
    const {usual} = this;
    const most = Math.max(...usual);
    const room = Math.max(most - Math.min(...usual), 0.1 * Math.abs(most));
    this.left = !Number.isFinite(loss) || (usual.length >= LEAST && loss > most + room);
    if (this.left) return;
    usual.push(loss);
    if (usual.length > MEMORY) usual.shift();
  }
}
