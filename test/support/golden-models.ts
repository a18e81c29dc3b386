// Models of the Hub's layouts with what the transformers library computes with them: logits and a greedy continuation.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Tensor, Tensor2D, Tensor3D, Variable} from '@tensorflow/tfjs-core';
import {
  concat,
  dispose,
  mul,
  reshape,
  sub,
  tensor1d,
  tensor2d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {crossEntropy} from '../../custom-ops/index.js';
import {decodeSafetensors} from '../../formats/safetensors.js';
import type {LanguageModel} from '../../models/index.js';
import {disposeModelState, generate} from '../../models/index.js';
import {expectClose} from './error.js';

const golden = join(import.meta.dirname, '../../../test/golden');
/** A limit of the reference, parts of which compute in float32 whatever they are given. */
const TOLERANCE = 1e-4;
/** The label of a token that is not scored. */
const IGNORED = -100;

export interface GoldenModel {
  readonly name: string;
  readonly folder: string;
  /** Token ids of each sequence. */
  readonly ids: readonly (readonly number[])[];
  /** Logits of all sequences, row-major. */
  readonly logits: ArrayLike<number>;
  /** A prompt and what follows it. */
  readonly generated: readonly number[];
  readonly promptLength: number;
}

function ofSafetensors(name: string, folder: string): GoldenModel {
  const {tensors} = decodeSafetensors(readFileSync(join(folder, 'expected.safetensors')));
  const of = (wanted: string) => {
    const found = tensors.find(one => one.name === wanted);
    if (found === undefined) throw new Error(`${folder} has no ${wanted}`);
    return found;
  };
  const {shape, data} = of('input_ids');
  const ids = Array.from({length: shape[0]}, (_, row) =>
    Array.from(data.slice(row * shape[1], (row + 1) * shape[1])),
  );
  const generated = Array.from(of('generated').data);
  return {name, folder, ids, logits: of('logits').data, generated, promptLength: 7};
}

function ofJson(name: string, folder: string): GoldenModel {
  const {ids, logits, greedy} = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  const generated = [...ids, ...greedy];
  return {name, folder, ids: [ids], logits: logits.flat(), generated, promptLength: ids.length};
}

const folders = ['llama', 'qwen3', 'lfm2', 'falcon-mamba', 'mamba2', 'falcon-h1', 'granite-hybrid'];

/** Every golden model of a layout that is read. */
export const goldenModels: readonly GoldenModel[] = [
  ofSafetensors('mamba', join(golden, 'hf-mamba-tiny')),
  ...folders.map(name => ofSafetensors(name, join(golden, 'hf', name))),
  ...readdirSync(join(golden, 'hf/mamba-variants')).map(name =>
    ofJson(`mamba, ${name}`, join(golden, 'hf/mamba-variants', name)),
  ),
];

function idsOf(rows: readonly (readonly number[])[]): Tensor2D {
  return tensor2d(rows.flat(), [rows.length, rows[0].length], 'int32');
}

/** Logits [B, L, V] of whole sequences. */
export async function wholeLogits(
  {model}: LanguageModel,
  rows: readonly (readonly number[])[],
): Promise<Float32Array> {
  const logits = tidy(() => model.predict(idsOf(rows)) as Tensor3D);
  const values = (await logits.data<'float32'>()).slice();
  logits.dispose();
  return values;
}

/** The same through `step`, in pieces of the given lengths. */
async function logitsInPieces(
  model: LanguageModel,
  rows: readonly (readonly number[])[],
  lengths: readonly number[],
): Promise<Float32Array> {
  let state = model.initialState(rows.length);
  const parts: Tensor3D[] = [];
  let at = 0;
  for (const length of lengths) {
    const ids = idsOf(rows.map(row => row.slice(at, at + length)));
    const {logits, state: next} = model.step(ids, state);
    disposeModelState(state);
    ids.dispose();
    parts.push(logits);
    state = next;
    at += length;
  }
  disposeModelState(state);
  const all = tidy(() => concat(parts, 1));
  dispose(parts);
  const values = (await all.data<'float32'>()).slice();
  all.dispose();
  return values;
}

export async function expectLogits(model: LanguageModel, {name, ids, logits}: GoldenModel): Promise<void> {
  expectClose(await wholeLogits(model, ids), logits, TOLERANCE, `${name}: logits`);
}

/** Step by step. */
export async function expectSteps(model: LanguageModel, golden: GoldenModel): Promise<void> {
  const {length} = golden.ids[0];
  await expectPiecesOf(
    model,
    golden,
    Array.from({length}, () => 1),
  );
}

/** In two pieces, and step by step. */
export async function expectPieces(model: LanguageModel, golden: GoldenModel): Promise<void> {
  await expectPiecesOf(model, golden, [3, golden.ids[0].length - 3]);
  await expectSteps(model, golden);
}

async function expectPiecesOf(
  model: LanguageModel,
  {name, ids, logits}: GoldenModel,
  lengths: readonly number[],
): Promise<void> {
  expectClose(
    await logitsInPieces(model, ids, lengths),
    logits,
    TOLERANCE,
    `${name} in pieces of ${lengths.slice(0, 3)}`,
  );
}

export async function expectContinuation(
  model: LanguageModel,
  {generated, promptLength}: GoldenModel,
): Promise<void> {
  const prompt = generated.slice(0, promptLength);
  const written: number[] = [];
  const maxTokens = generated.length - promptLength;
  for await (const token of generate(model, {prompt, maxTokens, temperature: 0})) written.push(token);
  expect(written).to.deep.equal(generated.slice(promptLength));
}

/** A few steps of gradient descent on the golden ids. */
export async function expectLearning(model: LanguageModel, {ids}: GoldenModel): Promise<void> {
  const variables = model.parameters().map(parameter => parameter.variable);
  const labels = ids.flatMap(row => [...row.slice(1), IGNORED]);
  const losses: number[] = [];
  for (let step = 0; step < 4; step++) {
    const {value, grads} = variableGrads(
      () =>
        tidy(() => {
          const hidden = model.hidden(idsOf(ids));
          const rows = reshape(hidden, [labels.length, model.dModel]) as Tensor2D;
          return crossEntropy(model.logits(rows), tensor1d(labels, 'int32')).mean().asScalar();
        }),
      variables,
    );
    losses.push((await value.data())[0]);
    for (const variable of variables) descend(variable, grads[variable.name]);
    dispose([value, ...Object.values(grads)]);
  }
  expect(losses.at(-1)).to.be.below(losses[0]);
  expect(losses.every(Number.isFinite)).to.equal(true);
}

function descend(variable: Variable, gradient: Tensor): void {
  tidy(() => variable.assign(sub(variable, mul(gradient, 0.05))));
}
