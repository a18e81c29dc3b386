// What is known of one of tfjs's programs with certain shapes after its first run, and whether a call is such a one.

import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {GroupCache} from '../dispatch/group-cache.js';
import type {StockProgram, TensorData, TfjsUniform} from '../dispatch/recorder.js';
import type {UniformStore} from './uniform-store.js';

/** A place for uniforms, with the bind groups made for it. */
export interface UniformSlot {
  readonly offset: number;
  readonly size: number;
  readonly groups: GroupCache;
}

/** A call of a program; `stored` has each input's memory, whose type the input's own may differ from. */
export interface StockCall {
  readonly program: StockProgram;
  readonly inputs: readonly TensorInfo[];
  readonly stored: readonly TensorData[];
  readonly output: TensorInfo;
  readonly uniforms: readonly TfjsUniform[];
}

type Numbers = readonly number[];

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function strides(shape: Numbers): number[] {
  const found: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis > 0; axis--) {
    stride *= shape[axis];
    found.unshift(stride);
  }
  return found;
}

/** The uniforms that tfjs gives to every program. */
function shapeUniforms({program, inputs, output}: StockCall): TfjsUniform[] {
  const {size, outputShape, outputComponent} = program;
  const shapes = [...inputs, output].flatMap(({shape}) => [
    {type: 'int32', data: shape},
    {type: 'int32', data: strides(shape)},
  ]);
  const count = outputShape.reduce((total, one) => total * one, 1) / (outputComponent || 1);
  return [
    {type: 'float32', data: [Number.NaN]},
    {type: 'float32', data: [Number.POSITIVE_INFINITY]},
    ...shapes,
    ...(size ? [{type: 'int32', data: [count]}] : []),
  ];
}

export class StockPlan {
  readonly layout: GPUBindGroupLayout;
  readonly workgroups: readonly [number, number, number];
  /** Programs write to their dispatch when they run. */
  private readonly asked: StockProgram;
  private readonly inputs: readonly {readonly dtype: DataType; readonly shape: Numbers}[];
  private readonly output: {readonly dtype: DataType; readonly shape: Numbers};
  /** By the program's own uniforms as text. */
  private readonly slots = new Map<string, UniformSlot>();
  /** Of no own uniforms. */
  private plain: UniformSlot | undefined;

  /** `asked` is the program before its run, `pipeline` and `dispatch` what the run left in it. */
  constructor(
    asked: StockProgram,
    readonly pipeline: GPUComputePipeline,
    [x, y, z]: StockProgram['dispatch'],
    {inputs, stored, output}: StockCall,
  ) {
    this.asked = asked;
    this.layout = pipeline.getBindGroupLayout(0);
    this.workgroups = [x, y, z];
    this.inputs = inputs.map(({shape}, i) => ({dtype: stored[i].dtype, shape: [...shape]}));
    this.output = {dtype: output.dtype, shape: [...output.shape]};
  }

  /** Compares everything that shapes a program's code, its dispatch and the uniforms that follow from shapes. */
  serves({program, inputs, stored, output}: StockCall): boolean {
    const {asked} = this;
    const [layout, own] = [program.dispatchLayout, asked.dispatchLayout];
    if (
      program.shaderKey !== asked.shaderKey ||
      program.size !== asked.size ||
      program.outputComponent !== asked.outputComponent ||
      layout.y?.length !== own.y?.length ||
      layout.z?.length !== own.z?.length ||
      inputs.length !== this.inputs.length ||
      output.dtype !== this.output.dtype ||
      !isSame(output.shape, this.output.shape) ||
      !isSame(program.outputShape, asked.outputShape) ||
      !isSame(program.dispatch, asked.dispatch) ||
      !isSame(program.workgroupSize, asked.workgroupSize) ||
      !isSame(program.variableNames, asked.variableNames)
    )
      return false;
    for (let i = 0; i < inputs.length; i++) {
      const known = this.inputs[i];
      if (stored[i].dtype !== known.dtype || !isSame(inputs[i].shape, known.shape)) return false;
    }
    return true;
  }

  /** The uniforms of a call, placed when there are none like them. */
  slot(call: StockCall, store: UniformStore): UniformSlot {
    const {uniforms} = call;
    let text = '';
    if (uniforms.length === 0) {
      if (this.plain !== undefined) return this.plain;
    } else {
      for (const {type, data} of uniforms) text += `${type} ${data};`;
      const known = this.slots.get(text);
      if (known !== undefined) return known;
    }
    const slot = {...store.place([...shapeUniforms(call), ...uniforms]), groups: new GroupCache()};
    if (uniforms.length === 0) this.plain = slot;
    else this.slots.set(text, slot);
    return slot;
  }

  /** To be called when the places of uniforms are given up. */
  forgetSlots(): void {
    this.plain = undefined;
    this.slots.clear();
  }

  forgetGroups(): void {
    this.plain?.groups.clear();
    for (const {groups} of this.slots.values()) groups.clear();
  }
}

/** A copy of what a run may change. */
export function asAsked(program: StockProgram): StockProgram {
  const [x, y, z] = program.dispatch;
  return {
    shaderKey: program.shaderKey,
    variableNames: [...program.variableNames],
    outputShape: [...program.outputShape],
    workgroupSize: [...program.workgroupSize],
    dispatch: [x, y, z],
    dispatchLayout: program.dispatchLayout,
    size: program.size,
    outputComponent: program.outputComponent,
  };
}
