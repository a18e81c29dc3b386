// Several drawings as one SVG, side by side and below each other.

import {pixel} from './escape.js';

const SIZE = /^<svg [^>]*?viewBox="0 0 ([\d.]+) ([\d.]+)"/;

/** Errors: Error for text that is no drawing of this folder. */
function sizeOf(svg: string): {width: number; height: number} {
  const found = SIZE.exec(svg);
  if (found === null)
    throw new Error('panelPlot: a drawing must begin with <svg and have a viewBox from 0 0');
  return {width: Number(found[1]), height: Number(found[2])};
}

/** Drawings of this folder as one, `columns` in a row, in their order. */
export function panelPlot(drawings: readonly string[], columns: number): string {
  const sizes = drawings.map(sizeOf);
  const width = Math.max(...sizes.map(size => size.width));
  const height = Math.max(...sizes.map(size => size.height));
  const across = Math.min(columns, drawings.length);
  const down = Math.ceil(drawings.length / across);
  const placed = drawings.map((svg, i) => {
    const [x, y] = [(i % across) * width, Math.floor(i / across) * height];
    const {width: own, height: ownHeight} = sizes[i];
    const place = `x="${pixel(x, 0)}" y="${pixel(y, 0)}" width="${pixel(own, 0)}" height="${pixel(ownHeight, 0)}"`;
    return svg.trimEnd().replace(/^<svg /, `<svg ${place} `);
  });
  const total = `${across * width} ${down * height}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total}">${placed.join('\n')}</svg>\n`;
}
