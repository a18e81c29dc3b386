// Updates in the order in which they were asked for: those of one stream one after the other, of several side by side.

export class UpdateOrder {
  private everything: Promise<unknown> = Promise.resolve();
  private readonly streams = new Map<string, Promise<unknown>>();

  /** After all earlier updates of the stream. */
  ofStream<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const done = (this.streams.get(stream) ?? this.everything).then(work);
    const settled = done
      .catch(() => {})
      .then(() => {
        if (this.streams.get(stream) === settled) this.streams.delete(stream);
      });
    this.streams.set(stream, settled);
    return done;
  }

  /** After all earlier updates, and before all later ones. */
  ofAll<T>(work: () => Promise<T>): Promise<T> {
    const done = this.settled().then(work);
    this.everything = done.catch(() => {});
    this.streams.clear();
    return done;
  }

  /** When all updates so far have ended, however they did. */
  async settled(): Promise<void> {
    await Promise.all([this.everything, ...this.streams.values()]);
  }
}
