// What every store of memory is: rows of keys and values that left a layer's window, found again by inner product.

/** Numbers of stored keys and values: `f16` halves the bytes and rounds to nearest, ties to even. */
export type MemoryPrecision = 'f16' | 'f32';

/**
 * What a store holds, fixed when it is made: keys of other weights or of another width would be noise to whoever asks, so
 * that a store is opened only by those that name the same.
 */
export interface MemoryFormat {
  /** Names the weights that made the keys and values, such as their SHA-256; 1 to 256 characters. */
  readonly model: string;
  /** Numbers of the layers that store, ascending. */
  readonly layers: readonly number[];
  /** Key/value heads G. */
  readonly groups: number;
  /** Head width Dh of keys and values. */
  readonly width: number;
  readonly precision: MemoryPrecision;
}

/** Rows of one stream and layer, n tokens that left the window together; they enter together or not at all. */
export interface MemoryBatch {
  /** Whose memory it is: any well-formed text of 1 to 1,024 bytes of UTF-8. Nothing of one stream is seen by another. */
  readonly stream: string;
  readonly layer: number;
  /** Positions in the stream, [n], ascending and above all that the stream holds in this layer. */
  readonly positions: Int32Array;
  /** How badly the past predicted each token, [n]; the lowest leave first when there is a quota. */
  readonly innovations: Float32Array;
  /** Ids of the tokens, [n], for those who read the memory; -1 is unknown. Default: all unknown. */
  readonly tokens?: Int32Array;
  /** Keys before rotation, [n, G, Dh]. */
  readonly keys: Float32Array;
  /** Values, [n, G, Dh]. */
  readonly values: Float32Array;
}

/** A question to a store: n queries for each of the G groups, all of one stream and layer. */
export interface MemoryQuery {
  readonly stream: string;
  readonly layer: number;
  /** Vectors as the keys are, before rotation, [n, G, Dh]. */
  readonly queries: Float32Array;
  /** Rows R wanted for each query and group, from 1. */
  readonly count: number;
  /** Each query's limit, [n]: only rows at positions below it are seen. */
  readonly before: Int32Array;
}

/**
 * The rows of largest inner product for each query and group, largest first, of equal ones the older first. Where there are
 * fewer than R rows the rest is empty: position -1, token -1, score {@link NO_SCORE}, key and value 0.
 */
export interface MemoryHits {
  /** [n, G, R] */
  readonly positions: Int32Array;
  /** [n, G, R] */
  readonly tokens: Int32Array;
  /** Inner products of queries and stored keys, [n, G, R]. */
  readonly scores: Float32Array;
  /** [n, G, R, Dh] */
  readonly keys: Float32Array;
  /** [n, G, R, Dh] */
  readonly values: Float32Array;
}

/** The score of an empty place: the lowest number of float32, since GPUs have no infinities that they keep. */
export const NO_SCORE = -(2 - 2 ** -23) * 2 ** 127;

/** What is known of a stored row beside its key and value. */
export interface MemoryRow {
  readonly stream: string;
  readonly layer: number;
  readonly position: number;
  readonly innovation: number;
  /** -1 where it is unknown. */
  readonly token: number;
}

/** Rows of a store: those for which all that is said here holds. */
export interface MemorySelection {
  /** Names of streams. `all` has to be said, so that a name that is missing by mistake selects nothing. */
  readonly streams: readonly string[] | 'all';
  /** Default: all layers. */
  readonly layer?: number;
  /** First position. Default 0. */
  readonly from?: number;
  /** Position behind the last. Default: no end. */
  readonly before?: number;
  /** Asked for each row that the rest selects. Default: all of them. */
  readonly where?: (row: MemoryRow) => boolean;
}

/** What a store holds of one stream in one layer. */
export interface MemoryPart {
  readonly stream: string;
  readonly layer: number;
  readonly rows: number;
  /** Lowest and highest position. */
  readonly first: number;
  readonly last: number;
  /** Mean of the rows' innovations. */
  readonly innovation: number;
}

/** A store in numbers: what it holds and what happened to updates and searches. */
export interface MemoryStats {
  readonly format: MemoryFormat;
  /** Parts that hold rows, by stream and layer. */
  readonly parts: readonly MemoryPart[];
  readonly rows: number;
  /** Bytes of the rows' keys and values as they are stored. */
  readonly bytes: number;
  /** Rows that the quota drove out since the store was opened here. */
  readonly evicted: number;
  /** Updates that are accepted and not yet landed; 0 without a queue. */
  readonly waiting: number;
  /** Searches that a deadline ended, whose queries went on without memory; 0 without a deadline. */
  readonly late: number;
}

/** What an opened store may be told. */
export interface MemoryStoreOptions {
  /** Rows that each stream may hold in each layer. Default: no limit. */
  readonly quota?: number;
  /**
   * A faster way through the rows of stores in the process and in folders, such as `createRowSearch()` of `bmojo/ops`; databases
   * have their own. Scores are summed anew, so that what is found is the same but where keys differ by less than float32 can
   * tell. Default: plain loops.
   */
  readonly rowSearch?: KeySearch;
}

/** Rows of keys that a {@link KeySearch} looks through, oldest first. */
export interface SearchedKeys {
  /** Keys [rows, G, Dh]: float32, or the bits of halves. */
  readonly keys: Float32Array | Uint16Array;
  readonly rows: number;
  /** How many of the rows each query may find, [n]. */
  readonly limits: Int32Array;
  /** Not 0 for rows that are never found. Default: none. */
  readonly gone?: Uint8Array;
}

/** Keys of a store that lie in the memory of its search. */
export interface KeptKeys {
  /** The numbers; asked for anew after anything else was kept or searched, since that memory may have grown elsewhere. */
  readonly numbers: Float32Array | Uint16Array;
  /** Told, before the next search, that numbers [from, from + count) were written: whole rows of groups. */
  changed(from: number, count: number): void;
  /** Gives their room back, with nothing left in it. */
  release(): void;
}

/** A search with memory of its own, where it reads the keys of one store without copying them. */
export interface KeepingKeySearch {
  readonly search: KeySearch;
  /** Room for so many numbers, groups of `width` (Dh), all 0; undefined where there is no more, and arrays serve. */
  keep(count: number, precision: MemoryPrecision, width: number): KeptKeys | undefined;
}

/**
 * Finds the rows of largest inner product with each of n queries [n, G, Dh], group by group: their numbers, counted over all
 * blocks, [n, G, R], -1 where there are fewer. It takes the blocks one by one once it has all other memory that it needs.
 */
export interface KeySearch {
  (
    blocks: Iterable<SearchedKeys>,
    query: {
      readonly queries: Float32Array;
      readonly groups: number;
      readonly width: number;
      readonly count: number;
    },
  ): {readonly rows: Int32Array};
  /** The same search for one store, whose keys it keeps. Default: keys lie in arrays. */
  readonly forStore?: () => KeepingKeySearch;
}

/**
 * A memory in storage: rows of keys and values that outgrow a layer, appended as they leave its window and found again by
 * inner product. A search sees all rows that were acknowledged before it began, and never waits for updates under way.
 */
export interface MemoryStore {
  readonly format: MemoryFormat;
  /**
   * Adds rows; resolved once they are as durable as the store makes anything, and until then the arrays are the store's. Beyond the quota the rows of lowest
   * innovation leave in the same step, of equal ones the older first. An empty batch changes nothing.
   * Errors: MemoryStoreError for arrays that do not fit, numbers that are not finite or beyond the precision's range,
   * positions that are not ascending; for a full disk or a lost connection. Then nothing of the batch is stored.
   */
  append(batch: MemoryBatch): Promise<void>;
  /** The best rows for each query and group. Errors: MemoryStoreError for arrays that do not fit; for a lost connection. */
  search(query: MemoryQuery): Promise<MemoryHits>;
  /**
   * Removes rows, their bytes included; resolved with how many once nothing of them is left where the store writes.
   * Errors: MemoryStoreError for a selection that makes no sense; for a full disk or a lost connection. Then all are there.
   */
  forget(selection: MemorySelection): Promise<number>;
  /** The rows of the moment when reading begins, by stream (in the order of its UTF-8 bytes), layer and position; later changes are not in it. */
  snapshot(selection: MemorySelection): AsyncIterable<Required<MemoryBatch>>;
  stats(): Promise<MemoryStats>;
  /** Waits for what is under way and lets go of everything. Calls after it are refused; a second close does nothing. */
  close(): Promise<void>;
}
