// Plans of one kernel by everything that shapes them. A call like a recent one finds its plan by comparing numbers; only
// others pay for a key.

import type {Invocation} from '../../../invocation.js';
import type {Attributes, Dims} from '../../../op.js';
import type {GpuLimits} from '../../../wgsl/plan.js';

type Shaping = Pick<Invocation, 'dims' | 'attrs' | 'inputs'>;

interface Known<T> {
  readonly dims: Dims;
  readonly attrs: Attributes;
  readonly inputs: readonly string[];
  readonly limits: Partial<GpuLimits>;
  readonly plan: T;
}

const RECENT = 8;

export class PlanTable<T> {
  private readonly plans = new Map<string, T>();
  private readonly recent: Known<T>[] = [];
  private next = 0;

  /** `dynamic` names the attributes that shape no plan. */
  constructor(private readonly dynamic: readonly string[]) {}

  /** `limits` are those that replace the device's own. */
  find(call: Shaping, limits: Partial<GpuLimits>, make: () => T): T {
    for (const known of this.recent) if (this.isLike(known, call, limits)) return known.plan;
    const key = this.key(call, limits);
    let plan = this.plans.get(key);
    if (plan === undefined) {
      plan = make();
      this.plans.set(key, plan);
    }
    const known = {
      dims: call.dims,
      attrs: {...call.attrs},
      inputs: Object.keys(call.inputs),
      limits: {...limits},
      plan,
    };
    this.recent[this.next] = known;
    this.next = (this.next + 1) % RECENT;
    return plan;
  }

  private isLike(known: Known<T>, {dims, attrs, inputs}: Shaping, limits: Partial<GpuLimits>): boolean {
    if (dims !== known.dims) for (const name in dims) if (dims[name] !== known.dims[name]) return false;
    for (const name in attrs)
      if (attrs[name] !== known.attrs[name] && !this.dynamic.includes(name)) return false;
    let count = 0;
    for (const name in inputs) if (known.inputs[count++] !== name) return false;
    if (count !== known.inputs.length) return false;
    for (const name in limits) {
      const limit = name as keyof GpuLimits;
      if (limits[limit] !== known.limits[limit]) return false;
    }
    for (const name in known.limits) if (!(name in limits)) return false;
    return true;
  }

  /** Sizes and attributes come in the same order at every call of an op. */
  private key({dims, attrs, inputs}: Shaping, limits: Partial<GpuLimits>): string {
    let key = '';
    for (const name in limits) key += `${name} ${JSON.stringify(limits[name as keyof GpuLimits])} `;
    for (const name in dims) key += ` ${dims[name]}`;
    for (const name in attrs) if (!this.dynamic.includes(name)) key += ` ${attrs[name]}`;
    for (const name in inputs) key += ` ${name}`;
    return key;
  }
}
