// What storage carries from one step to the next.

import type {Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import type {MixerSettings} from './mixer-schema.js';
import type {AttentionSizes} from './projections.js';
import type {StateShapes} from './state.js';
import {entersByInnovation, scoresTokens} from './storage-entry.js';
import {storageCapacity, storedTokens} from './storage-layout.js';

/** The layer's own store: rows of tokens that left the window, in their order, empty rows in front. */
export type StorageRows = {
  /** Keys and values, [B, N, G, Dh]. */
  readonly storageKeys: Tensor4D;
  readonly storageValues: Tensor4D;
  /** 1 for a token that entered, 0 for an empty row and for a token that did not, [B, N]. */
  readonly storageEntered: Tensor2D;
};

/** Memory in storage after at least one token. */
export type StorageState = {
  /** Once the first tokens have left the window; absent where a store outside the model holds them. */
  readonly store?: StorageRows;
  /** Where innovation decides what enters: what the next chunk's must reach, [B, 1]; once the first tokens have left. */
  readonly entry?: {readonly storageThreshold: Tensor2D};
  /** Of the recent tokens, whose turn comes: keys before they are turned, where those are stored, [B, recent, G, Dh]. */
  readonly unturned?: {readonly recentKeys: Tensor4D};
  /** And innovation, where there is a fading memory, [B, recent]. */
  readonly scored?: {readonly recentScores: Tensor2D};
};

/** Whether keys are stored as they were before they were turned to their positions, so that the window's are others. */
export function storesUnturned({positions, storagePositions}: MixerSettings): boolean {
  return positions === 'rotary' && storagePositions !== 'true';
}

/** Shapes of one sequence's memory after `length` tokens, at least one, of which `recent` are kept for the window. */
export function storageStateShapes(
  settings: MixerSettings,
  {groups, headWidth}: Omit<AttentionSizes, 'heads'>,
  length: number,
  recent: number,
): StateShapes<StorageState> {
  const stored = storedTokens(settings, length);
  const capacity = storageCapacity(settings, stored);
  const rows = [capacity, groups, headWidth];
  return {
    ...(stored === 0 ? {} : {store: {storageKeys: rows, storageValues: rows, storageEntered: [capacity]}}),
    ...(entersByInnovation(settings) && stored > 0 ? {entry: {storageThreshold: [1]}} : {}),
    ...(storesUnturned(settings) ? {unturned: {recentKeys: [recent, groups, headWidth]}} : {}),
    ...(scoresTokens(settings) ? {scored: {recentScores: [recent]}} : {}),
  };
}
