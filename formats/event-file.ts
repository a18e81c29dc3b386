// Event files of TensorBoard: records of (length, masked CRC, protobuf Event, masked CRC). Sources: TensorFlow's
// record_writer.h, event.proto, summary.proto and tensor.proto, TensorBoard's plugins text and hparams.

import {maskedCrc32c} from './crc32c.js';

/** Protobuf fields, encoded one after the other. */
class Message {
  private readonly bytes: number[] = [];

  varint(field: number, value: number): this {
    return this.tag(field, 0).raw(BigInt(value));
  }

  double(field: number, value: number): this {
    const data = new DataView(new ArrayBuffer(8));
    data.setFloat64(0, value, true);
    return this.tag(field, 1).push(new Uint8Array(data.buffer));
  }

  float(field: number, value: number): this {
    const data = new DataView(new ArrayBuffer(4));
    data.setFloat32(0, value, true);
    return this.tag(field, 5).push(new Uint8Array(data.buffer));
  }

  text(field: number, value: string): this {
    return this.block(field, new TextEncoder().encode(value));
  }

  message(field: number, value: Message): this {
    return this.block(field, value.encoded);
  }

  get encoded(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }

  private block(field: number, value: Uint8Array): this {
    return this.tag(field, 2).raw(BigInt(value.length)).push(value);
  }

  private tag(field: number, wire: number): this {
    return this.raw(BigInt((field << 3) | wire));
  }

  /** Base 128, least significant group first. */
  private raw(value: bigint): this {
    let rest = value;
    for (; rest > 127n; rest >>= 7n) this.bytes.push(Number(rest & 127n) | 128);
    this.bytes.push(Number(rest));
    return this;
  }

  private push(data: Uint8Array): this {
    this.bytes.push(...data);
    return this;
  }
}

function record(event: Message): Uint8Array {
  const data = event.encoded;
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}

/** The record that every event file of TensorBoard begins with; `seconds` since 1970. */
export function fileHeader(seconds: number): Uint8Array {
  return record(new Message().double(1, seconds).text(3, 'brain.Event:2'));
}

const SESSION_START = 1;

/** Says that a run goes on behind `step`: TensorBoard then drops what an interrupted process wrote later than that. */
export function sessionStart(seconds: number, step: number): Uint8Array {
  return record(
    new Message()
      .double(1, seconds)
      .varint(2, step + 1)
      .message(7, new Message().varint(1, SESSION_START)),
  );
}

/** The record of an event file that holds named numbers of one step; `seconds` since 1970. */
export function scalarEvent(
  seconds: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  const summary = new Message();
  for (const [tag, value] of Object.entries(scalars))
    summary.message(1, new Message().text(1, tag).float(2, value));
  return record(new Message().double(1, seconds).varint(2, step).message(5, summary));
}

/** Numbers of TensorFlow's data types. */
const FLOAT = 1;
const STRING = 7;

/** What tells TensorBoard which of its plugins shows a value; `content` is the plugin's own. */
function metadata(plugin: string, content = new Message()): Message {
  return new Message().message(1, new Message().text(1, plugin).message(2, content));
}

/** The record of an event file that holds a text, which TensorBoard shows as Markdown; `seconds` since 1970. */
export function textEvent(seconds: number, step: number, tag: string, text: string): Uint8Array {
  const shape = new Message().message(2, new Message().varint(1, 1));
  const tensor = new Message().varint(1, STRING).message(2, shape).text(8, text);
  const value = new Message().text(1, tag).message(9, metadata('text')).message(8, tensor);
  return record(new Message().double(1, seconds).varint(2, step).message(5, new Message().message(1, value)));
}

/**
 * The record of an event file that holds a run's settings, for TensorBoard's table of hyperparameters; `seconds` since 1970.
 */
export function settingsEvent(
  seconds: number,
  settings: Readonly<Record<string, number | string | boolean>>,
): Uint8Array {
  const start = new Message();
  for (const [name, setting] of Object.entries(settings)) {
    const value = new Message();
    if (typeof setting === 'number') value.double(2, setting);
    else if (typeof setting === 'string') value.text(3, setting);
    else value.varint(4, Number(setting));
    start.message(1, new Message().text(1, name).message(2, value));
  }
  start.double(5, seconds);
  const tensor = new Message().varint(1, FLOAT).message(2, new Message());
  const value = new Message()
    .text(1, '_hparams_/session_start_info')
    .message(9, metadata('hparams', new Message().message(3, start)))
    .message(8, tensor);
  return record(new Message().double(1, seconds).message(5, new Message().message(1, value)));
}
