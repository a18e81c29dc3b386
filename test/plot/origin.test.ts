import {expect} from 'chai';
import {perplexityRecords} from '../../eval/perplexity-record.js';
import {linePlot} from '../../plot/line-plot.js';
import {withOrigin} from '../../plot/origin.js';

const plot = (...xs: number[]) =>
  withOrigin({
    title: 't',
    xLabel: 'x',
    yLabel: 'y',
    markers: true,
    series: [{name: 'a', points: xs.map(x => [x, 1 + x] as const)}],
  });
const dots = (svg: string): number => [...svg.matchAll(/<circle /g)].length;

describe('a logarithmic axis that begins with none', () => {
  it('draws every point, that of none in front under its word', () => {
    const {series, xNames} = plot(0, 16, 64);
    expect(series[0].points).to.deep.equal([
      [8, 1],
      [16, 17],
      [64, 65],
    ]);
    expect(xNames).to.deep.equal([[8, '0']]);
    const svg = linePlot(plot(0, 16, 64));
    expect(dots(svg)).to.equal(3);
    expect(svg).to.include('>0<').and.to.include('>16<');
    expect(plot(16, 64)).to.not.have.property('xNames');
  });

  it('draws none alone', () => {
    const svg = linePlot(plot(0));
    expect(dots(svg)).to.equal(1);
    expect(svg)
      .to.include('>0<')
      .and.not.match(/NaN|Infinity/);
    const numbers = {tokens: 4, loss: 1, perplexity: Math.E, bitsPerByte: 1};
    const [record] = perplexityRecords({
      report: {
        windows: 1,
        targets: 4,
        reference: 0,
        byPrefix: [{prefix: 0, ...numbers, change: {mean: 0}, windowLosses: [1]}],
        byPosition: [{from: 0, to: 4, ...numbers}],
      },
      ...{model: 'm', text: 't', trained: 8, command: 'c', step: 1},
    });
    expect(dots(linePlot(record.plot as Parameters<typeof linePlot>[0]))).to.equal(1);
  });
});
