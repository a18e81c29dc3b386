// How far a model's files have come, in bytes, with the time left.

import {useRef} from 'preact/hooks';
import type {ModelProgress} from '../../models/index.js';
import {duration} from '../../train/pace.js';
import {bytesText} from './bytes.js';

export function Transfer({progress}: {readonly progress?: ModelProgress}) {
  const begun = useRef<{readonly at: number; readonly loaded: number} | undefined>(undefined);
  if (progress === undefined || progress.loaded >= progress.total) return null;
  begun.current ??= {at: performance.now(), loaded: progress.loaded};
  const seconds = (performance.now() - begun.current.at) / 1000;
  const rate = (progress.loaded - begun.current.loaded) / seconds;
  const left = rate > 0 ? `, ${duration((progress.total - progress.loaded) / rate)} left` : '';
  return (
    <p>
      <progress max={progress.total} value={progress.loaded} aria-label="bytes of the model" />
      <br />
      {bytesText(progress.loaded)} of {bytesText(progress.total)}
      {left}
    </p>
  );
}
