// A line plot of the library's own drawing, with its numbers as text for those who do not see it.

import type {LinePlot} from '../../plot/line-plot.js';
import {linePlot} from '../../plot/line-plot.js';

/** The drawing escapes every word that it is given, so that it may stand in the page as it is. */
export function Chart({plot}: {readonly plot: LinePlot}) {
  const last = plot.series
    .flatMap(({name, points}) => {
      const point = points.at(-1);
      return point === undefined ? [] : [`${name} ${point[1].toPrecision(3)} at ${point[0]}`];
    })
    .join('; ');
  return (
    <div
      class="chart"
      role="img"
      aria-label={`${plot.title}: ${last}`}
      dangerouslySetInnerHTML={{
        __html: `<div class="wide">${linePlot(plot)}</div><div class="narrow">${linePlot(plot, 358)}</div>`,
      }}
    />
  );
}
