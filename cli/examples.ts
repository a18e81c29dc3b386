// Examples of `--help`, each command in one line, however narrow the terminal: the option parser would break them into lines that
// nobody can copy.

import type {Argv} from 'yargs';

export class Examples {
  private readonly lines: string[] = [];

  /** Has the parser lay out a word in place of each example that it is given. */
  standIn(parser: Argv): void {
    const example = parser.example.bind(parser);
    parser.example = (given: string | readonly (readonly [string, string?])[], words?: string): Argv => {
      const examples = typeof given === 'string' ? [[given, words] as const] : given;
      for (const [command, meaning = ''] of examples) {
        const line = command.replaceAll('$0', 'npx bmojo');
        this.lines.push(`  ${line}${meaning === '' ? '' : `\n      ${meaning}`}`);
        example(`{${this.lines.length - 1}}`, '');
      }
      return parser;
    };
  }

  /** What the parser laid out, with the examples in their places. */
  putInto(help: string): string {
    return help.replace(/^ {2}\{(\d+)\}$/gm, (place, number: string) => this.lines[Number(number)] ?? place);
  }
}
