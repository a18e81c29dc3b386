// What an import has stored so far, so that one that fails half-way leaves nothing, or says what it leaves.

import {shown} from '../../errors/shown.js';
import type {MemoryBatch, MemoryStore} from '../store.js';
import {MemoryStoreError} from '../store-error.js';

/** Parts that a message names. */
const NAMED = 3;

/** Rows of one stream and layer, at positions [from, before). */
interface ImportedPart {
  readonly stream: string;
  readonly layer: number;
  readonly from: number;
  readonly before: number;
}

export class ImportedRows {
  private readonly parts = new Map<string, ImportedPart>();
  private rows_ = 0;

  /** Rows that are stored. */
  get rows(): number {
    return this.rows_;
  }

  /** Appends a batch, behind those of its stream and layer that came before. Errors: those of the store. */
  async append(store: MemoryStore, batch: MemoryBatch): Promise<void> {
    try {
      await store.append(batch);
    } catch (error) {
      // Of a connection that is lost nobody knows what it did. What makes no sense was refused: others wrote there meanwhile.
      if (!(error instanceof MemoryStoreError && error.reason === 'argument')) this.note(batch);
      throw error;
    }
    this.note(batch);
    this.rows_ += batch.positions.length;
  }

  /** Forgets what was stored, all in one step. Returns what is to be thrown then, for what failed before. */
  async takenBack(store: MemoryStore, failure: unknown): Promise<unknown> {
    try {
      await store.forget({
        streams: [...new Set([...this.parts.values()].map(({stream}) => stream))],
        where: ({stream, layer, position}) => {
          const part = this.parts.get(keyOf({stream, layer}));
          return part !== undefined && position >= part.from && position < part.before;
        },
      });
    } catch (error) {
      return this.partly(failure, error);
    }
    if (!(failure instanceof MemoryStoreError)) return failure;
    return new MemoryStoreError(failure.reason, `${failure.message}; nothing of the import stays`, {
      cause: failure,
    });
  }

  private note({stream, layer, positions}: MemoryBatch): void {
    if (positions.length === 0) return;
    const key = keyOf({stream, layer});
    const from = this.parts.get(key)?.from ?? positions[0];
    this.parts.set(key, {stream, layer, from, before: positions[positions.length - 1] + 1});
  }

  /** The error of an import of which something stays. */
  private partly(failure: unknown, second: unknown): MemoryStoreError {
    const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
    const parts = [...this.parts.values()];
    const named = parts
      .slice(0, NAMED)
      .map(
        ({stream, layer, from, before}) =>
          `${shown(stream)} in layer ${layer}, positions ${from} to ${before - 1}`,
      );
    if (parts.length > NAMED) named.push(`${parts.length - NAMED} more streams and layers`);
    return new MemoryStoreError(
      failure instanceof MemoryStoreError ? failure.reason : 'unavailable',
      `the import failed half-way: ${words(failure)}. What it had stored could not be forgotten again: ${words(second)}. ` +
        `It holds ${named.join('; ')}: forget these (bmojo memory forget), then import again`,
      {cause: failure},
    );
  }
}

function keyOf({stream, layer}: Pick<ImportedPart, 'stream' | 'layer'>): string {
  return `${layer} ${stream}`;
}
