import {expect} from 'chai';
import {axisFor, tickLabel} from '../../plot/axis.js';
import {barPlot} from '../../plot/bar-plot.js';
import {linePlot} from '../../plot/line-plot.js';

const polylines = (svg: string): number[][][] =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points === '' ? [] : points.split(' ').map(point => point.split(',').map(Number)),
  );

/** Where the axes lie: the two lines of ink. */
function areaOf(svg: string): {left: number; right: number; top: number; bottom: number} {
  const [foot, side] = [
    ...svg.matchAll(/<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)" class="s-ink"/g),
  ].map(found => found.slice(1).map(Number));
  return {left: foot[0], right: foot[2], top: side[1], bottom: foot[1]};
}

/** What is written under the x axis. */
function ticksOf(svg: string): string[] {
  const under = areaOf(svg).bottom + 18;
  return [...svg.matchAll(/<text x="[\d.]+" y="([\d.]+)"[^>]*>([^<]*)</g)].flatMap(([, y, words]) =>
    Math.abs(Number(y) - under) < 0.1 ? [words] : [],
  );
}

describe('legends', () => {
  const named = (svg: string): string[] =>
    [...svg.matchAll(/stroke-width="3"[^>]*\/>\s*<text[^>]*>([^<]*)</g)].map(([, words]) => words);

  it('of lines list what is drawn, in the colours that the others leave', () => {
    const series = [
      {name: 'none', points: []},
      {name: 'not on this axis', points: [[0, 1] as const, [5, Number.NaN] as const]},
      {name: 'there', points: [[1, 1] as const, [10, 2] as const]},
    ];
    const svg = linePlot({title: 't', xLabel: 'x', yLabel: 'y', xScale: 'log', series});
    expect(named(svg)).to.deep.equal(['there']);
    const colours = [...svg.matchAll(/<(?:line|polyline) [^>]*class="s-(series\d)"/g)].map(
      ([, role]) => role,
    );
    expect(new Set(colours.filter((_, i) => i === 0 || i === colours.length - 1))).to.deep.equal(
      new Set(['series2']),
    );
    // 0 has a place on an axis that is not logarithmic.
    expect(named(linePlot({title: 't', xLabel: 'x', yLabel: 'y', series}))).to.deep.equal([
      'not on this axis',
      'there',
    ]);
  });

  it('of bars list what is drawn', () => {
    const series = [
      {name: 'nowhere', values: [Number.NaN, Number.NaN]},
      {name: 'somewhere', values: [Number.NaN, 0.5]},
    ];
    const svg = barPlot({title: 't', yLabel: 'y', yRange: [0, 1], groups: ['a', 'b'], series});
    expect(svg).to.include('somewhere').and.not.include('nowhere');
  });
});

describe('line plots', () => {
  it('place linear and logarithmic values in proportion', () => {
    const linear = axisFor([0, 10, 5], 'linear');
    expect([0, 5, 10].map(linear.place)).to.deep.equal([0, 0.5, 1]);
    expect(linear.ticks).to.deep.equal([0, 2, 4, 6, 8, 10]);
    const log = axisFor([1, 10000], 'log');
    expect(log.place(100)).to.be.closeTo(0.5, 1e-12);
    expect(log.ticks).to.include.members([1, 10, 100, 1000, 10000]);
    expect(axisFor([0, 1], 'linear').ticks).to.deep.equal([0, 0.2, 0.4, 0.6, 0.8, 1]);
  });

  it('stay small whatever numbers come: ticks, coordinates and the legend are bounded', () => {
    const largest = Number.MAX_VALUE;
    for (const [low, high] of [
      [0, 5e-324],
      [-largest, largest],
      [1e16, 1e16 + 2],
      [1, 1 + Number.EPSILON],
      [Number.NaN, 1],
      [5, -5],
      [0, Infinity],
    ]) {
      for (const scale of ['linear', 'log'] as const) {
        expect(axisFor([low, high], scale).ticks.length, `${scale} ${low} to ${high}`).to.be.within(1, 20);
        expect(axisFor([], scale, [low, high]).ticks.length, `${scale} ${low} to ${high}`).to.be.within(
          1,
          20,
        );
      }
    }
    expect(axisFor([5e-324, largest], 'log').ticks.length).to.be.within(2, 16);
    // One point a long way outside a fixed range took 4 GB.
    const svg = linePlot({
      title: 't\u0000\u001b[31m',
      xLabel: 'x',
      yLabel: 'y',
      yRange: [0, 1],
      series: [
        {
          name: '"><script>',
          points: [
            [1, 0.5],
            [2, 1e7],
            [3, -largest],
            [4, 0.5],
          ],
        },
      ],
    });
    expect(svg.length).to.be.below(10_000);
    expect(svg).to.not.match(/<script|\p{Cc}(?<!\n)|Infinity|NaN|e\+/u);
  });

  it('survive one value, none, and values that no axis can hold', () => {
    expect(axisFor([3], 'linear').place(3)).to.equal(0.5);
    expect(axisFor([3], 'log').place(3)).to.be.closeTo(0.5, 1e-12);
    expect(axisFor([], 'linear').ticks).to.not.have.lengthOf(0);
    const svg = linePlot({
      title: 't',
      xLabel: 'x',
      yLabel: 'y',
      xScale: 'log',
      series: [
        {
          name: 'a',
          points: [
            [0, 1],
            [1, Number.NaN],
            [10, 2],
            [100, 3],
          ],
        },
      ],
    });
    expect(polylines(svg)[0]).to.have.lengthOf(2);
    expect(svg).to.not.match(/NaN|Infinity|undefined|<circle/);
    const single = linePlot({
      title: 't',
      xLabel: 'x',
      yLabel: 'y',
      series: [{name: 'a', points: [[30, 3.8]]}],
    });
    const {left, right, top, bottom} = areaOf(single);
    const [, x, y] = (/<circle cx="([\d.]+)" cy="([\d.]+)"/.exec(single) ?? []).map(Number);
    expect([x, y], 'a single point can be seen').to.deep.equal([(left + right) / 2, (top + bottom) / 2]);
    expect(ticksOf(single), 'under it its value alone').to.deep.equal(['30']);
  });

  it('draw every series inside the axes, higher values higher, and escape names', () => {
    const svg = linePlot({
      title: 'a < b & "c"',
      xLabel: 'step',
      yLabel: 'accuracy',
      yRange: [0, 1],
      markers: true,
      series: [
        {
          name: 'one',
          points: [
            [0, 0],
            [1, 0.5],
            [2, 1],
          ],
        },
        {
          name: '<two>',
          points: [
            [0, 1],
            [2, 0],
          ],
        },
      ],
    });
    const {left, right, top, bottom} = areaOf(svg);
    expect(polylines(svg)).to.deep.equal([
      [
        [left, bottom],
        [(left + right) / 2, (top + bottom) / 2],
        [right, top],
      ],
      [
        [left, top],
        [right, bottom],
      ],
    ]);
    expect([...svg.matchAll(/<circle/g)]).to.have.lengthOf(5);
    expect(svg).to.include('&#60;two&#62;').and.include('a &#60; b &#38; &#34;c&#34;');
  });

  it('write the measured lengths under the axis, and standard errors as whiskers inside it', () => {
    const svg = linePlot({
      title: 't',
      xLabel: 'x',
      yLabel: 'y',
      xScale: 'log',
      markers: true,
      xNames: [[16, '0']],
      series: [
        {
          name: 'a',
          points: [16, 32, 33, 8192].map((x, i) => [x, i] as const),
          errors: [undefined, 0.5, 0.5, 1],
        },
      ],
    });
    expect(ticksOf(svg), '33 stands too near to 32').to.deep.equal(['0', '32', '8,192']);
    const uprights = [
      ...svg.matchAll(/y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" class="s-series0" stroke="#0072b2"\/>/g),
    ]
      .map(([, from, to]) => [Number(from), Number(to)])
      .filter(([from, to]) => from !== to);
    expect(uprights).to.have.lengthOf(3);
    expect(uprights[2][0] - uprights[2][1]).to.be.closeTo(2 * (uprights[0][0] - uprights[0][1]), 0.05);
    expect(Math.min(...uprights.flat())).to.equal(areaOf(svg).top);
  });

  it('keep legend, words of marks and whiskers off what is not theirs, at every width', () => {
    for (const width of [358, 720]) {
      const svg = linePlot(
        {
          title: 'a title that is so long that it takes two lines where there is little room for it',
          xLabel: 'x',
          yLabel: 'y',
          yRange: [0, 1],
          levels: [{y: 0.25, words: 'chance 25.0 %'}],
          marks: [
            {x: 50, words: 'trained at 50'},
            {x: 51, words: 'another border'},
          ],
          series: Array.from({length: 9}, (_, k) => ({
            name: `a model with a long name ${k}`,
            points: [0, 50, 100].map(x => [x, 0.9] as const),
            errors: [0.5, 0.5, 0.5],
          })),
        },
        width,
      );
      const {left, right, top, bottom} = areaOf(svg);
      const textAt = (words: string): number => {
        const [, x, y] = new RegExp(`<text x="([\\d.]+)" y="([\\d.]+)"[^>]*>${words}<`).exec(svg) ?? [];
        expect(Number(x), words).to.be.within(0, width);
        return Number(y);
      };
      for (const words of ['a model with a long name 8', 'chance 25.0 %', 'trained at 50', 'another border'])
        expect(textAt(words), words).to.be.below(top);
      expect(textAt('trained at 50'), 'words of neighbours do not meet').to.not.equal(
        textAt('another border'),
      );
      for (const [, x1, y1, x2, y2] of svg.matchAll(
        /<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)" class="s-series\d" stroke="[^"]+"\/>/g,
      )) {
        for (const x of [x1, x2]) expect(Number(x)).to.be.within(left, right);
        for (const y of [y1, y2]) expect(Number(y)).to.be.within(top, bottom);
      }
    }
  });

  it('have colours of their own on dark ground, for every element', () => {
    const svg = linePlot({
      title: 't',
      xLabel: 'x',
      yLabel: 'y',
      levels: [{y: 1, words: 'chance'}],
      series: Array.from({length: 8}, (_, k) => ({name: `m${k}`, points: [[1, k] as const]})),
    });
    const [, style] = /<style>(.*)<\/style>/.exec(svg) ?? ['', ''];
    expect(style).to.include('@media (prefers-color-scheme:dark)');
    const elements = [
      ...svg.replace(/<style>.*<\/style>/, '').matchAll(/<(?!svg)[^>]*(?:fill|stroke)="#[^>]*>/g),
    ];
    expect(elements.length).to.be.above(20);
    for (const [element] of elements) {
      const [, kind] = /class="([^"]+)"/.exec(element) ?? [];
      expect(kind, element).to.not.equal(undefined);
      expect(style, element).to.include(`.bmojo-plot .${kind}{`);
    }
  });

  it('writes large numbers short', () => {
    expect([0, 0.25, 950, 1500, 65536, 2e6, 3e9].map(tickLabel)).to.deep.equal([
      '0',
      '0.25',
      '950',
      '1.5k',
      '65.54k',
      '2M',
      '3G',
    ]);
  });

  it('end whiskers at the foot of a logarithmic axis, which has no place for what lies below', () => {
    const svg = linePlot({
      title: 't',
      xLabel: 'x',
      yLabel: 'y',
      yScale: 'log',
      series: [
        {
          name: 'a',
          points: [
            [1, 1],
            [2, 2],
          ],
          errors: [1.5, 0.5],
        },
      ],
    });
    const {top, bottom} = areaOf(svg);
    const ends = [
      ...svg.matchAll(
        /<line x1="[\d.]+" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" class="s-series0"(?! stroke="#[0-9a-f]+" stroke-width)/g,
      ),
    ].flatMap(([, y1, y2]) => [Number(y1), Number(y2)]);
    expect(ends).to.have.lengthOf(12);
    for (const y of ends) expect(y).to.be.within(top, bottom);
    expect(Math.max(...ends)).to.equal(bottom);
  });
});
