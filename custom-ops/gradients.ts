// Gradients: tf's own, of which tfjs-core registers none by itself, and those of our ops, as tf looks for them.

import '#gradients';
import type {GradConfig, Tensor} from '@tensorflow/tfjs-core';
import {add, dispose, getBackend, registerGradient} from '@tensorflow/tfjs-core';
import type {KernelAttributes} from './kernel-call.js';
import {runNamedKernel} from './kernel-call.js';
import type {OpDefinition} from './op.js';
import {gradName, kernelName, kernelPorts, passedResult, shapeOf} from './op.js';
import {unpackedSaved} from './saved-tensors.js';

const adding = new Set<string>();

/** Tells that a backend's gradient of an op adds the cotangent of the input that the op passes on, given it as an input. */
export function addsPassed(op: {name: string}, backendName: string): void {
  adding.add(`${backendName}/${op.name}`);
}

/** Registers the vector-Jacobian product of an op: its backward kernel, for every backend that has one. */
export function registerOpGradient(op: OpDefinition): void {
  if (op.backward === undefined) return;
  const outputs = Object.entries(op.outputs);
  const ports = kernelPorts(op, 'backward');
  const passed = passedResult(op);
  const config: GradConfig = {
    kernelName: kernelName(op, 'forward'),
    saveAllInputs: true,
    outputsToSave: outputs.map(([, spec]) => spec.role !== 'result'),
    gradFunc: (dy, saved, rawAttrs) => {
      const {present, left, attrs, dims} = rawAttrs as KernelAttributes;
      const cotangents = Array.isArray(dy) ? dy : [dy];
      const values: Record<string, Tensor> = {};
      const unpacked: Tensor[] = [];
      const read = (name: string, spec: {shape: string}, kept: Tensor): void => {
        if (!ports.inputs.some(port => port.name === name)) return;
        values[name] = unpackedSaved(kept, shapeOf(spec, dims));
        if (values[name] !== kept) unpacked.push(values[name]);
      };
      present.forEach((name, index) => {
        read(name, op.inputs[name], saved[index]);
      });
      outputs
        .filter(([, spec]) => spec.role !== 'result')
        .forEach(([name, spec], index) => {
          read(name, spec, saved[present.length + index]);
        });
      outputs.forEach(([name, spec], index) => {
        if (spec.role !== 'saved' && !left.includes(name)) values[gradName(name)] = cotangents[index];
      });
      const names = ports.inputs.map(port => port.name).filter(name => values[name] !== undefined);
      const added = passed && values[gradName(passed.name)];
      const addsItself = adding.has(`${getBackend()}/${op.name}`);
      if (passed !== undefined && added !== undefined && addsItself) names.push(gradName(passed.name));
      const gradients = runNamedKernel(
        kernelName(op, 'backward'),
        names.map(name => values[name]),
        {present: names, left: [], attrs, dims},
      );
      dispose(unpacked);
      const wanted = ports.outputs.filter(port => present.some(name => gradName(name) === port.name));
      return Object.fromEntries(
        present.flatMap((name, index) => {
          const at = wanted.findIndex(port => port.name === gradName(name));
          if (at < 0) return [];
          const isAdded = added !== undefined && !addsItself && name === passed?.input;
          return [[String(index), () => (isAdded ? add(gradients[at], added) : gradients[at])]];
        }),
      );
    },
  };
  registerGradient(config);
}
