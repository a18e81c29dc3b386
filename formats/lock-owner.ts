// The process that a lock names, and whether it can be told from here that it is gone: pids mean something on one machine alone,
// and names of machines are given twice.

import {createHash} from 'node:crypto';
import {readFileSync, readlinkSync} from 'node:fs';
import {hostname} from 'node:os';
import {shown} from '../errors/shown.js';
import {isRecord} from './json-text.js';

/** A process of a machine. What the system does not tell, and what earlier versions did not note, is absent. */
export interface LockOwner {
  readonly host: string;
  /** Linux: what tells the processes of one container from those of another that call themselves alike. */
  readonly space?: string;
  /** Linux: names the time since the machine was started, of all machines. */
  readonly boot?: string;
  /** Linux: names the machine, from one start to the next, by a digest: the id itself is for nobody else to know. */
  readonly machine?: string;
  readonly pid: number;
  /** When the process began, in the system's own count, where it tells: pids are used again. */
  readonly began?: string;
}

const TEXTS = ['space', 'boot', 'machine', 'began'] as const;

export function thisProcess(): LockOwner {
  return {
    host: hostname(),
    space: ownSpace(),
    boot: ownBoot(),
    machine: ownMachine(),
    pid: process.pid,
    began: beginOf(process.pid),
  };
}

/** The owner that a lock's text names, if it names one. */
export function parseOwner(text: string): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const {host, pid} = value;
    if (typeof host !== 'string' || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1)
      return undefined;
    const texts = TEXTS.flatMap(name => {
      const found = value[name];
      return typeof found === 'string' ? [[name, found] as const] : [];
    });
    return {host, pid, ...Object.fromEntries(texts)};
  } catch {
    return undefined;
  }
}

/** Whether the owner is gone for sure: what another machine's processes do nobody here can tell. */
export function isGone(owner: LockOwner): boolean {
  const {pid, began} = owner;
  if (!isNamesake(owner)) return false;
  const start = startOf(owner);
  if (start !== 'this') return start === 'earlier';
  try {
    process.kill(pid, 0);
  } catch (error) {
    // One of another user's may not be signalled, and yet have the pid of one that is gone.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return true;
  }
  const now = beginOf(pid);
  return began !== undefined && now !== undefined && now !== began;
}

/** The owner's process and, unless it is one of this machine, whose it is. */
export function ownerWords(owner: LockOwner): {readonly process: string; readonly isHere: boolean} {
  const {host, pid} = owner;
  const isHere = isNamesake(owner) && startOf(owner) === 'this';
  if (isHere) return {process: `process ${pid}`, isHere};
  const as = host === hostname() ? 'a machine or container that is called like this one, ' : '';
  return {process: `process ${pid} on ${as}${shown(host)}`, isHere};
}

function isNamesake({host, space}: LockOwner): boolean {
  return host === hostname() && (space === undefined || space === ownSpace());
}

/**
 * The time that pids of an owner belong to: since this machine was started, before that, or that of a machine that may be another
 * one of its name. A process may be kept from reading which start it is of: then the machine says it, and the pid the rest.
 */
function startOf({boot, machine}: LockOwner): 'this' | 'earlier' | 'unknown' {
  const own = {boot: ownBoot(), machine: ownMachine()};
  if (boot !== undefined && boot === own.boot) return 'this';
  const isThisMachine =
    machine === undefined || own.machine === undefined ? undefined : machine === own.machine;
  if (boot !== undefined && own.boot !== undefined) return isThisMachine === true ? 'earlier' : 'unknown';
  // An owner that says nothing of either is of an earlier version, or of a system that tells neither.
  return (isThisMachine ?? (boot === undefined && machine === undefined)) ? 'this' : 'unknown';
}

function ownSpace(): string | undefined {
  return textOr(() => readlinkSync('/proc/self/ns/pid'));
}

function ownBoot(): string | undefined {
  return textOr(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
}

function ownMachine(): string | undefined {
  const id = textOr(() => readFileSync('/etc/machine-id', 'utf8'));
  // Images of machines that are still to be told apart have other words there.
  if (id === undefined || !/^[0-9a-f]{32}$/.test(id)) return undefined;
  return createHash('sha256').update(`bmojo lock ${id}`).digest('hex').slice(0, 32);
}

/** Linux: when a process began, in clock ticks since the machine did. */
function beginOf(pid: number): string | undefined {
  return textOr(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  });
}

/** What the system says; undefined where it says nothing. */
function textOr(read: () => string): string | undefined {
  try {
    return read().trim() || undefined;
  } catch {
    return undefined;
  }
}
