// What a stored measurement says of where it comes from, beside its command.

export interface Provenance {
  /** Version of this package. */
  readonly version: string;
  /** When, as ISO 8601 in UTC. */
  readonly date: string;
  /** Processor and software, without names of persons or hosts. */
  readonly machine: string;
  /** What random numbers were drawn from, by what they were drawn for. */
  readonly seeds: Readonly<Record<string, number>>;
}
