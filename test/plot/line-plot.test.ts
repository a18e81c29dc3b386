import {expect} from 'chai';
import {axisFor, tickLabel} from '../../plot/axis.js';
import {linePlot} from '../../plot/line-plot.js';

const polylines = (svg: string): number[][][] =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points === '' ? [] : points.split(' ').map(point => point.split(',').map(Number)),
  );

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
    expect(single, 'a single point can be seen').to.match(/<circle cx="380" cy="204"/);
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
    expect(polylines(svg)).to.deep.equal([
      [
        [64, 364],
        [380, 204],
        [696, 44],
      ],
      [
        [64, 44],
        [696, 364],
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
    const written = [...svg.matchAll(/text-anchor="middle" font-size="11">([^<]*)</g)].map(
      ([, words]) => words,
    );
    expect(written, '33 stands too near to 32').to.deep.equal(['0', '32', '8,192']);
    const uprights = [...svg.matchAll(/y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" stroke="#0072b2"/g)]
      .map(([, from, to]) => [Number(from), Number(to)])
      .filter(([from, to]) => from !== to);
    expect(uprights).to.have.lengthOf(3);
    expect(uprights[2][0] - uprights[2][1]).to.be.closeTo(2 * (uprights[0][0] - uprights[0][1]), 0.05);
    expect(Math.min(...uprights.flat())).to.equal(44);
  });

  it('keep the legend off the lines', () => {
    const legendOf = (ys: readonly number[]): number[] => {
      const svg = linePlot({
        title: 't',
        xLabel: 'x',
        yLabel: 'y',
        series: [{name: 'one', points: ys.map((y, x) => [x, y] as const)}],
      });
      return (/<rect x="([\d.]+)" y="([\d.]+)"[^>]*fill-opacity/.exec(svg) ?? []).slice(1).map(Number);
    };
    const [left, top] = legendOf([0, 1, 2, 3]);
    expect(left).to.be.below(100);
    expect(top).to.be.below(60);
    expect(legendOf([3, 2, 1, 0])[0], 'to the right of a falling line').to.be.above(500);
    expect(legendOf([3, 3, 0, 3, 3])[1], 'below lines that are high at both ends').to.be.above(250);
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
});
