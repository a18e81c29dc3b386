// Trainings kept in the browser: settings, events and the last checkpoint of each, so that a reload loses nothing.

import {asFloat32, decodeSafetensors, encodeSafetensors} from '../../formats/safetensors.js';
import type {ArraySource, CheckpointStore, Snapshot} from '../../train/snapshot.js';
import {folderAt, namesIn, readFile, writeFile} from './opfs.js';

const ROOT = 'runs';
const POINTER = 'latest.json';

/** What is known of a kept run without opening its weights. */
export interface KeptRun<Config> {
  readonly id: string;
  readonly config: Config;
  /** Updates made at the last checkpoint; 0 before the first. */
  readonly step: number;
}

/** Ids of all kept runs, oldest first. */
export async function keptRunIds(): Promise<string[]> {
  return namesIn(await folderAt([ROOT]));
}

export async function deleteRun(id: string): Promise<void> {
  await (await folderAt([ROOT])).removeEntry(id, {recursive: true});
}

/** One run's folder. `Config` is what the page keeps of its settings, `Event` what it keeps of its events. */
export class BrowserRun<Config, Event> implements CheckpointStore {
  lastStep: number | undefined;

  private constructor(
    readonly id: string,
    private readonly folder: FileSystemDirectoryHandle,
  ) {}

  static async open<Config, Event>(id: string): Promise<BrowserRun<Config, Event>> {
    const run = new BrowserRun<Config, Event>(id, await folderAt([ROOT, id]));
    run.lastStep = (await run.json<{step: number}>(POINTER))?.step;
    return run;
  }

  async summary(): Promise<KeptRun<Config> | undefined> {
    const config = await this.json<Config>('config.json');
    return config === undefined ? undefined : {id: this.id, config, step: this.lastStep ?? 0};
  }

  async writeConfig(config: Config): Promise<void> {
    await writeFile(this.folder, 'config.json', JSON.stringify(config));
  }

  async events(): Promise<readonly Event[]> {
    return (await this.json<Event[]>('events.json')) ?? [];
  }

  async writeEvents(events: readonly Event[]): Promise<void> {
    await writeFile(this.folder, 'events.json', JSON.stringify(events));
  }

  /** The new checkpoint's files have names of their own; the pointer to them is written last. */
  async save(snapshot: Snapshot): Promise<string> {
    const {step, cursor} = snapshot;
    const weights = `weights-${step}.safetensors`;
    const optimizer = `optimizer-${step}.safetensors`;
    await writeFile(this.folder, weights, await encoded(snapshot.weights));
    await writeFile(this.folder, optimizer, await encoded(snapshot.optimizer));
    await writeFile(this.folder, POINTER, JSON.stringify({step, cursor, weights, optimizer}));
    this.lastStep = step;
    for (const name of await namesIn(this.folder))
      if (/^(weights|optimizer)-\d+\./.test(name) && name !== weights && name !== optimizer)
        await this.folder.removeEntry(name);
    return this.id;
  }

  /** The last complete checkpoint; undefined where none was kept. */
  async load(): Promise<Snapshot | undefined> {
    const pointer = await this.json<{step: number; cursor: number; weights: string; optimizer: string}>(
      POINTER,
    );
    if (pointer === undefined) return undefined;
    const weights = await this.arrays(pointer.weights);
    const optimizer = await this.arrays(pointer.optimizer);
    return {step: pointer.step, cursor: pointer.cursor, weights, optimizer};
  }

  private async arrays(name: string): Promise<ArraySource[]> {
    const bytes = await readFile(this.folder, name);
    if (bytes === undefined) throw new Error(`the checkpoint of this run lacks ${name}; delete the run`);
    return decodeSafetensors(bytes).tensors.map(tensor => ({
      name: tensor.name,
      shape: tensor.shape,
      read: () => asFloat32(tensor),
    }));
  }

  private async json<T>(name: string): Promise<T | undefined> {
    const bytes = await readFile(this.folder, name);
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  }
}

async function encoded(arrays: readonly ArraySource[]): Promise<Uint8Array<ArrayBuffer>> {
  const read = await Promise.all(
    arrays.map(async source => ({name: source.name, shape: source.shape, data: await source.read()})),
  );
  return new Uint8Array(encodeSafetensors(read));
}
