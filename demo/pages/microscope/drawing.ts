// What is seen as files: a drawing (SVG, PNG) and a page that stands for itself.

import type {LinePlot} from '../../../plot/line-plot.js';
import {memoryPlot} from '../../../plot/memory-plot.js';
import type {Looked} from '../../worker/inspect.js';
import {memories, sharesAt, shown} from './words.js';

/** The drawing of all layers, changed where something is changed. */
export function drawingOf({before, after, pieces}: Looked, title: string, head: number): string {
  const {layers} = after ?? before;
  const most = Math.max(3, ...layers.map(({shares}) => shares?.[0]?.[0]?.length ?? 0));
  return memoryPlot({
    title,
    length: pieces.length,
    names: memories.slice(0, most),
    pieces: pieces.map(shown),
    panels: layers.map(layer => ({
      title: `layer ${layer.layer + 1}`,
      innovation: layer.innovation,
      stored: layer.stored,
      shares: layer.heads === 0 ? undefined : pieces.map((_, at) => sharesAt(layer, at, head) ?? [0, 0, 0]),
    })),
  });
}

const escapeXml = (text: string): string => text.replace(/[&<>"]/g, one => `&#${one.charCodeAt(0)};`);

/** A page with the drawing inside, and where to see it alive. */
export function htmlOf(svg: string, title: string, words: string, link: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 62rem; padding: 0 1rem } svg { width: 100%; height: auto }</style>
<h1>${escapeXml(title)}</h1>
<p>${escapeXml(words)}</p>
${svg}
<p><a href="${escapeXml(link)}">Look at it alive</a></p>
</html>
`;
}

/** The drawing as pixels, twice as many as its size says. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const [width, height] = (/viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? ['', '960', '600'])
    .slice(1)
    .map(Number);
  const canvas = document.createElement('canvas');
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>(resolve => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error('this browser cannot make a PNG of this size; take the SVG');
  return blob;
}

/** Hands a file to the visitor. */
export function download(name: string, blob: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Bytes of state against the length: ours comes to rest, a cache of all tokens does not. */
export function statePlot(state: Looked['state'], name: string): LinePlot {
  return {
    title: 'bytes of state against tokens read',
    xLabel: 'tokens',
    yLabel: 'bytes',
    xScale: 'log',
    yScale: 'log',
    series: [
      {name, points: state.map(({tokens, model}) => [tokens, model] as const)},
      {
        name: 'Transformer of its size',
        points: state.map(({tokens, transformer}) => [tokens, transformer] as const),
      },
    ],
  };
}
