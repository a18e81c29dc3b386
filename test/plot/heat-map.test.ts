import {expect} from 'chai';
import {barPlot} from '../../plot/bar-plot.js';
import {heatMap} from '../../plot/heat-map.js';

describe('maps', () => {
  const map = {
    title: 'found',
    xLabel: 'tokens',
    yLabel: 'depth',
    columns: ['512', '1,024', '2,048'],
    rows: ['0', '1'],
    panels: [
      {
        title: 'single',
        values: [
          [1, 0.5, 0],
          [0.25, Number.NaN, 7],
        ],
      },
    ],
    mark: {column: 2, words: 'longer than trained'},
  };

  it('hold a field with its per cent for each pair, none for what was not measured', () => {
    const svg = heatMap(map);
    const fields = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)"[^>]*class="f-share(\d+)"/g)].map(found =>
      found.slice(1).map(Number),
    );
    expect(fields.map(([, , step]) => step)).to.deep.equal([10, 5, 0, 3, 10]);
    expect(fields[0][1], 'rows below each other').to.be.below(fields[3][1]);
    expect(fields[0][0], 'columns beside each other').to.equal(fields[3][0]);
    for (const words of ['>100<', '>50<', '>25<', '>longer than trained<']) expect(svg).to.include(words);
    expect(svg).to.not.match(/NaN|undefined/);
  });

  it('stay inside of any width, with names that have room', () => {
    for (const width of [358, 720]) {
      const columns = Array.from({length: 40}, (_, i) => String(1000 * i));
      const wide = heatMap({...map, columns, panels: [{title: '', values: [columns.map(() => 0.5)]}]}, width);
      for (const [, x] of wide.matchAll(/<(?:text|rect) x="([\d.]+)"/g))
        expect(Number(x)).to.be.within(0, width);
      expect([...wide.matchAll(/>\d+000</g)].length).to.be.below(columns.length);
    }
  });
});

describe('bars', () => {
  it('keep every name whole: in lines where there is room, else slanting', () => {
    const plot = {
      title: 't',
      yLabel: 'y',
      yRange: [0, 1] as const,
      groups: ['selective-copying', 'memorization', 'noisy-recall', 'compression', 'recall', 'fuzzy-recall'],
      series: [{name: 'a', values: [1, 1, 1, 1, 1, 2]}],
    };
    const narrow = barPlot(plot, 358);
    expect(narrow).to.include('rotate(-40').and.include('>selective-copying<');
    expect(barPlot(plot)).to.not.include('rotate(-40');
    const heights = [...narrow.matchAll(/height="([\d.]+)" class="f-series0"/g)].map(([, height]) => height);
    expect(heights[6], 'a value beyond the range ends with it').to.equal(heights[5]);
  });
});
