// Gradients: tf's own, of which tfjs-core registers none by itself, and those of our ops, as tf looks for them.

import '#gradients';
import type {GradConfig, Tensor} from '@tensorflow/tfjs-core';
import {registerGradient} from '@tensorflow/tfjs-core';
import type {KernelAttributes} from './kernel-call.js';
import {runNamedKernel} from './kernel-call.js';
import type {OpDefinition} from './op.js';
import {gradName, kernelName, kernelPorts} from './op.js';

/** Registers the vector-Jacobian product of an op: its backward kernel, for every backend that has one. */
export function registerOpGradient(op: OpDefinition): void {
  if (op.backward === undefined) return;
  const outputs = Object.entries(op.outputs);
  const ports = kernelPorts(op, 'backward');
  const config: GradConfig = {
    kernelName: kernelName(op, 'forward'),
    saveAllInputs: true,
    outputsToSave: outputs.map(([, spec]) => spec.role !== 'result'),
    gradFunc: (dy, saved, rawAttrs) => {
      const {present, left, attrs, dims} = rawAttrs as KernelAttributes;
      const cotangents = Array.isArray(dy) ? dy : [dy];
      const values: Record<string, Tensor> = {};
      present.forEach((name, index) => {
        values[name] = saved[index];
      });
      outputs
        .filter(([, spec]) => spec.role !== 'result')
        .forEach(([name], index) => {
          values[name] = saved[present.length + index];
        });
      outputs.forEach(([name, spec], index) => {
        if (spec.role !== 'saved' && !left.includes(name)) values[gradName(name)] = cotangents[index];
      });
      const names = ports.inputs.map(port => port.name).filter(name => values[name] !== undefined);
      const gradients = runNamedKernel(
        kernelName(op, 'backward'),
        names.map(name => values[name]),
        {present: names, left: [], attrs, dims},
      );
      const wanted = ports.outputs.filter(port => present.some(name => gradName(name) === port.name));
      return Object.fromEntries(
        present.flatMap((name, index) => {
          const at = wanted.findIndex(port => port.name === gradName(name));
          return at < 0 ? [] : [[String(index), () => gradients[at]]];
        }),
      );
    },
  };
  registerGradient(config);
}
