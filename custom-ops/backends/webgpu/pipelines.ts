// Compiles passes once for each device: shader text to pipeline, buffers to bind group.

import type {Pass} from './plan.js';
import {renderPass} from './plan.js';
import {uniformBytes} from './uniform-ring.js';

/** Bind groups kept for one pass; buffers recur from step to step, since tfjs recycles them. */
const GROUPS_KEPT = 1024;

export interface CompiledPass {
  readonly pass: Pass;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Names of the buffers in binding order. */
  readonly buffers: readonly string[];
  readonly groups: Map<string, GPUBindGroup>;
}

const bufferNumbers = new WeakMap<GPUBuffer, number>();
let buffersSeen = 0;

/** A number of its own for each buffer, for keys of bind groups. */
export function bufferNumber(buffer: GPUBuffer): number {
  let known = bufferNumbers.get(buffer);
  if (known === undefined) {
    known = buffersSeen++;
    bufferNumbers.set(buffer, known);
  }
  return known;
}

export class Pipelines {
  private readonly pipelines = new Map<string, {pipeline: GPUComputePipeline; layout: GPUBindGroupLayout}>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();

  constructor(private readonly device: GPUDevice) {}

  compile(pass: Pass): CompiledPass {
    const code = renderPass(pass);
    let known = this.pipelines.get(code);
    if (known === undefined) {
      const layout = this.layout(pass);
      const module = this.device.createShaderModule({code, label: pass.name});
      const pipeline = this.device.createComputePipeline({
        label: pass.name,
        layout: this.device.createPipelineLayout({bindGroupLayouts: [layout]}),
        compute: {module, entryPoint: 'main'},
      });
      known = {pipeline, layout};
      this.pipelines.set(code, known);
    }
    const buffers = [...Object.keys(pass.read), ...Object.keys(pass.write)];
    return {pass, ...known, buffers, groups: new Map()};
  }

  private layout(pass: Pass): GPUBindGroupLayout {
    const kinds: GPUBufferBindingLayout[] = [
      ...Object.keys(pass.read).map(() => ({type: 'read-only-storage' as const})),
      ...Object.keys(pass.write).map(() => ({type: 'storage' as const})),
      ...(pass.uniforms === undefined ? [] : [{type: 'uniform' as const, hasDynamicOffset: true}]),
    ];
    const key = kinds.map(kind => kind.type).join();
    let layout = this.layouts.get(key);
    if (layout === undefined) {
      const entries = kinds.map((buffer, binding) => ({
        binding,
        buffer,
        visibility: GPUShaderStage.COMPUTE,
      }));
      layout = this.device.createBindGroupLayout({entries});
      this.layouts.set(key, layout);
    }
    return layout;
  }

  bindGroup(compiled: CompiledPass, buffers: readonly GPUBuffer[], uniforms?: GPUBuffer): GPUBindGroup {
    let key = '';
    for (const buffer of buffers) key += `${bufferNumber(buffer)},`;
    if (uniforms !== undefined) key += bufferNumber(uniforms);
    const known = compiled.groups.get(key);
    if (known !== undefined) return known;
    const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({binding, resource: {buffer}}));
    if (uniforms !== undefined) {
      entries.push({binding: buffers.length, resource: {buffer: uniforms, size: uniformBytes}});
    }
    const group = this.device.createBindGroup({layout: compiled.layout, entries});
    if (compiled.groups.size >= GROUPS_KEPT) compiled.groups.clear();
    compiled.groups.set(key, group);
    return group;
  }
}
