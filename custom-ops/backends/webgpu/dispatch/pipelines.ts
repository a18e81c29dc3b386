// Compiles passes once for each device: shader text to pipeline, buffers to bind group.

import type {Pass} from '../../../wgsl/plan.js';
import {renderPass} from '../../../wgsl/plan.js';
import {GroupCache} from './group-cache.js';
import {uniformBytes} from './uniform-ring.js';

/** Bind groups kept for one pass; buffers recur from step to step, since tfjs recycles them. */
const GROUPS_KEPT = 1024;

export interface CompiledPass {
  readonly pass: Pass;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Names of the buffers in binding order. */
  readonly buffers: readonly string[];
  readonly groups: GroupCache;
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
    return {pass, ...known, buffers, groups: new GroupCache()};
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

  /** `buffers` in binding order, the one of the uniforms last when the pass has any. */
  bindGroup({groups, layout, buffers: {length}}: CompiledPass, buffers: readonly GPUBuffer[]): GPUBindGroup {
    const known = groups.get(buffers);
    if (known !== undefined) return known;
    const entries = buffers.map((buffer, binding): GPUBindGroupEntry => {
      return {binding, resource: binding < length ? {buffer} : {buffer, size: uniformBytes}};
    });
    const group = this.device.createBindGroup({layout, entries});
    if (groups.size >= GROUPS_KEPT) groups.clear();
    groups.set(buffers, group);
    return group;
  }
}
