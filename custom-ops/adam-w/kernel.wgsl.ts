// adamW on the GPU: one pass over a parameter, in place, or over several at once. All factors are uniforms, shared by the
// parameters of a step.

import {memberName} from '../op.js';
import {elementwisePass} from '../wgsl/elementwise.js';
import {nanByBits} from '../wgsl/maths.js';
import type {Bindings, GpuKernel, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {Member} from '../wgsl/together.js';
import {branches, membersOf, shareDispatches, shares} from '../wgsl/together.js';
import type {AdamWAttributes} from './attributes.js';
import {adamWFactorNames, adamWFactors, DOUBLINGS, LEAST_POWER, TERMS} from './attributes.js';

type Request = PlanRequest<AdamWAttributes>;

const THREADS = 256;
/** Parameters of one dispatch, on devices with bindings for more. */
const MOST_PARAMETERS = 8;

const read = ['gradient'] as const;
const written = ['parameter', 'firstMoment', 'secondMoment'] as const;

/** WGSL for element `index` of the tensors whose names end in `of`. */
function update(isScaled: boolean, of = ''): string {
  return `
  let g = gradient${of}[index]${isScaled ? ' * gradientScale[0]' : ''};
  let m = uniforms.beta1 * firstMoment${of}[index] + uniforms.rest1 * g;
  let v = uniforms.beta2 * secondMoment${of}[index] + uniforms.rest2 * g * g;
  firstMoment${of}[index] = m;
  secondMoment${of}[index] = v;
  let direction = m / (sqrt(v) * correction + uniforms.epsilon);
  parameter${of}[index] = uniforms.keep * parameter${of}[index] - rate * direction;`;
}

/** What all parameters share. */
const common = ['gradientScale', 'skipped'];

/** WGSL before the entry point. */
function declarations(present: ReadonlySet<string>): string {
  return `
${present.has('gradientScale') ? nanByBits : ''}
${present.has('skipped') ? restOfPower : ''}`;
}

/** WGSL before the elements: what is skipped, and the factors of the steps that were made. */
function factorsOf(present: ReadonlySet<string>): string {
  const made = `
  if (skipped[0] > 0.0) {
    let made = uniforms.step - skipped[0];
    rate = uniforms.learningRate / restOfPower(made * uniforms.logBeta1);
    correction = 1.0 / sqrt(restOfPower(made * uniforms.logBeta2));
  }`;
  return `
  ${present.has('gradientScale') ? 'if (isNaN(gradientScale[0])) { return; }' : ''}
  var rate = uniforms.rate;
  var correction = uniforms.correction;${present.has('skipped') ? made : ''}`;
}

/** 1 - e^x for x <= 0, whose digits the difference would lose; see attributes.ts. */
const restOfPower = `
fn restOfPower(x: f32) -> f32 {
  let y = max(x, ${LEAST_POWER}.0) * ${2 ** -DOUBLINGS};
  var e = 1.0;
  for (var n = ${TERMS}u; n > 1u; n--) { e = 1.0 + y / f32(n) * e; }
  e *= y;
  for (var i = 0u; i < ${DOUBLINGS}u; i++) { e *= e + 2.0; }
  return -e;
}`;

function bindings(names: readonly string[]): Bindings {
  return Object.fromEntries(names.map(name => [name, 'f32']));
}

function forward({dims, present, limits}: Request): Plan {
  const isScaled = present.has('gradientScale');
  const pass = elementwisePass(
    {
      name: 'adamW',
      read: bindings([...read, ...common.filter(name => present.has(name))]),
      write: bindings(written),
      uniforms: adamWFactorNames,
      count: dims['*'],
      declarations: declarations(present),
      body: factorsOf(present) + update(isScaled),
    },
    limits,
  );
  return {passes: [pass]};
}

/** A step of several parameters in one dispatch. */
function severalPass(list: readonly Member[], {present, limits}: Request): Pass {
  const isScaled = present.has('gradientScale');
  const {begins, total} = shares(list.map(({count}) => Math.ceil(count / THREADS)));
  const codes = list.map(
    ({count}, slot) => `
  let index = (workgroup - ${begins[slot]}u) * ${THREADS}u + local;
  if (index >= ${count}u) { return; }${update(isScaled, String(slot))}`,
  );
  const slots = (names: readonly string[]): string[] =>
    list.flatMap((_, slot) => names.map(name => `${name}${slot}`));
  const buffers = list.flatMap(({index}, slot) =>
    [...read, ...written].map(name => [`${name}${slot}`, memberName(name, index)] as const),
  );
  return {
    name: 'adamW of several',
    read: bindings([...slots(read), ...common.filter(name => present.has(name))]),
    write: bindings(slots(written)),
    buffers: Object.fromEntries(buffers),
    uniforms: adamWFactorNames,
    workgroups: spread(total, limits),
    code: `
${declarations(present)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  ${factorsOf(present)}
  ${branches(begins, total, codes)}
}`,
  };
}

function together(request: Request): Plan {
  const {dims, present, limits} = request;
  const own = read.length + written.length;
  const shared = common.filter(name => present.has(name)).length;
  const room = Math.floor((limits.storageBuffers - shared) / own);
  const lists = shareDispatches(membersOf(dims), Math.min(MOST_PARAMETERS, room));
  return {passes: lists.map(list => severalPass(list, request))};
}

export const adamWGpu: GpuKernel<AdamWAttributes> = {
  forward,
  together,
  dynamic: ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'step'],
  uniforms: (_dims, attrs) => {
    const values = adamWFactors(attrs);
    return Object.fromEntries(adamWFactorNames.map((name, i) => [name, values[i]]));
  },
};
