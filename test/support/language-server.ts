// TypeScript's language server, as an editor speaks to it: what it shows at a place in a program.

import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {pathToFileURL} from 'node:url';

const COMPILER = join(import.meta.dirname, '../../../node_modules/typescript/bin/tsc');

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: {readonly message: string};
}

/** A place in a text: both from 0. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

interface Hover {
  readonly contents: {readonly value: string};
}

interface Diagnostics {
  readonly items: readonly {readonly message: string; readonly range: {readonly start: Place}}[];
}

/** A language server for one program, which `end` must end. */
export class LanguageServer {
  private readonly process = spawn(process.execPath, [COMPILER, '--lsp', '--stdio'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  private readonly answers = new Map<number | string, (message: Message) => void>();
  private received = Buffer.alloc(0);
  private asked = 0;

  private constructor(private readonly uri: string) {
    this.process.stdout.on('data', (chunk: Buffer) => this.receive(chunk));
  }

  /** A server that has read the program, in whose folder its tsconfig.json lies. */
  static async of(path: string): Promise<LanguageServer> {
    const server = new LanguageServer(pathToFileURL(path).href);
    await server.ask('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(dirname(path)).href,
      capabilities: {textDocument: {hover: {contentFormat: ['plaintext']}}},
    });
    server.send({method: 'initialized', params: {}});
    const text = readFileSync(path, 'utf8');
    server.send({
      method: 'textDocument/didOpen',
      params: {textDocument: {uri: server.uri, languageId: 'typescript', version: 1, text}},
    });
    return server;
  }

  /** What is shown where the mouse rests: the declaration and its comment; empty where there is nothing. */
  async hover(position: Place): Promise<string> {
    const textDocument = {uri: this.uri};
    const shown = (await this.ask('textDocument/hover', {textDocument, position})) as Hover | null;
    return shown?.contents.value ?? '';
  }

  /** What the compiler has to say of the program. */
  async faults(): Promise<string[]> {
    const found = (await this.ask('textDocument/diagnostic', {textDocument: {uri: this.uri}})) as Diagnostics;
    return found.items.map(({message, range}) => `line ${range.start.line}: ${message}`);
  }

  async end(): Promise<void> {
    const ended = new Promise(resolve => this.process.on('close', resolve));
    await this.ask('shutdown');
    this.send({method: 'exit'});
    this.process.stdin.end();
    await ended;
  }

  private async ask(method: string, params?: object): Promise<unknown> {
    const id = ++this.asked;
    const answer = new Promise<Message>(resolve => this.answers.set(id, resolve));
    this.send({id, method, params});
    const {result, error} = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  private send(message: object): void {
    const text = JSON.stringify({jsonrpc: '2.0', ...message});
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const head = this.received.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: (\d+)/i.exec(this.received.toString('latin1', 0, head))?.[1]);
      const end = head + 4 + length;
      if (head < 0 || this.received.length < end) return;
      const message = JSON.parse(this.received.toString('utf8', head + 4, end)) as Message;
      this.received = this.received.subarray(end);
      if (message.id === undefined) continue;
      if (message.method === undefined) this.answers.get(message.id)?.(message);
      else this.send({id: message.id, result: null}); // what the server asks of an editor
    }
  }
}
