import {expect} from 'chai';
import {memoryPlot} from '../../plot/memory-plot.js';
import {passage} from '../../plot/passage.js';

const ground = {paint: 'fill="#009e73"', opacity: 0.5};

describe('passages', () => {
  it('break into lines of equal width, make line breaks visible, and colour the pieces asked for', () => {
    const pieces = ['ab', '', '<\n', 'cdefgh'];
    const {parts, height} = passage({
      left: 0,
      right: 6.6 * 5,
      top: 10,
      pieces,
      grounds: new Map([
        [2, ground],
        [3, ground],
      ]),
    });
    const lines = parts.flatMap(part => /<text[^>]*>([^<]*)<\/text>/.exec(part)?.[1] ?? []);
    expect(lines).to.deep.equal(['ab&#60;\u21b5c', 'defgh']);
    expect(height).to.equal(30);
    const places = parts.flatMap(part => {
      const found = /<rect x="([\d.]+)" y="([\d.]+)"/.exec(part);
      return found === null ? [] : [[Number(found[1]), Number(found[2])]];
    });
    expect(places, 'two characters of one piece, six of the other over two lines').to.have.lengthOf(8);
    expect(places[0]).to.deep.equal([13.2, 10]);
    expect(places[3]).to.deep.equal([0, 25]);
  });

  it('show under a layer what it stored of a text, and on each bar why', () => {
    const svg = memoryPlot({
      title: 't',
      length: 3,
      names: ['a', 'b', 'c'],
      pieces: ['x', 'y', 'z'],
      panels: [
        {title: 'layer 0', innovation: [1, 4, 2], stored: [{position: 1, from: 2, until: 3}]},
        {title: 'layer 1', shares: [[1, 0, 0]]},
      ],
    });
    expect(svg.match(/>xyz</g), 'only where tokens are stored').to.have.lengthOf(1);
    expect(svg.match(/fill-opacity="0.90"/g)).to.have.lengthOf(1);
    expect(svg).to.include('token 1 &#34;y&#34;, innovation 4.00, kept from 2 until 3');
  });
});
