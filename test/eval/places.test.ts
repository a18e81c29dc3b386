// What cards and reports say of paths.

import {expect} from 'chai';
import {withoutPlaces} from '../../eval/report/places.js';

describe('withoutPlaces', () => {
  const cases: Readonly<Record<string, string>> = {
    'bmojo train lm --data /home/ann/books --out runs/a': 'bmojo train lm --data books --out runs/a',
    'bmojo train lm --data=/home/ann/books/ --out "/home/ann b/my runs/a b"':
      'bmojo train lm --data=books/ --out "a b"',
    [String.raw`bmojo eval lambada "C:\\Users\\ann b\\passages.jsonl" --checkpoint D:\runs\one`]:
      'bmojo eval lambada "passages.jsonl" --checkpoint one',
    'bmojo generate --checkpoint ~/runs/a --prompts "/srv/x"': 'bmojo generate --checkpoint a --prompts "x"',
    'window 8, rate 1/2, runs/a/b, https://example.org/models/a':
      'window 8, rate 1/2, runs/a/b, https://example.org/models/a',
    'bmojo generate --prompt "either / or" --stop "/"': 'bmojo generate --prompt "either / or" --stop "/"',
  };
  for (const [text, right] of Object.entries(cases))
    it(`of ${text}`, () => expect(withoutPlaces(text)).to.equal(right));
});
