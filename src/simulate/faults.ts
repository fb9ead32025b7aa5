/** What goes wrong in a simulated night, when, and for how long: a seed decides all of it. */
import type { Time } from '../core/nouns.ts'

/** How often each happens when it is asked for without a number: the mean time between two, milliseconds. */
export const faultKinds = {
  /** An agent's process ends; somebody starts another after some minutes. */
  agent: 60 * 60_000,
  /** An agent asks something; a person answers after some minutes. */
  question: 60 * 60_000,
  /** A provider refuses all agents of a machine for up to 40 minutes: each of their turns fails. */
  login: 120 * 60_000,
  /** A machine can't be reached for up to an hour. */
  machine: 120 * 60_000,
  /** A machine's tmux server ends, with all its agents; it is raised again. */
  reboot: 240 * 60_000,
  /** A connection breaks in the middle of a write. */
  cut: 30 * 60_000,
  /** A person closes an issue that an agent works on. */
  closed: 240 * 60_000,
  /** A person opens a change that closes an issue, and merges or drops it within 15 minutes. */
  change: 40 * 60_000,
  /** The forge does not answer for up to half an hour. */
  forge: 120 * 60_000,
  /** The forge does what it was asked, and its answer is lost. */
  answer: 30 * 60_000,
  /** A dispatcher is killed between two of its steps, and started again. */
  dispatcher: 30 * 60_000,
  /** A dispatcher stops for minutes, and goes on as if nothing had been. */
  suspend: 60 * 60_000,
  /** A dispatcher's clock jumps, up to two hours ahead or back. */
  clock: 120 * 60_000,
  /** The ledger can't be written for some minutes: its disk is full. */
  disk: 180 * 60_000,
} as const

export type FaultKind = keyof typeof faultKinds
/** Mean milliseconds between two, by kind. */
export type Faults = ReadonlyMap<FaultKind, number>

export interface Fault {
  readonly at: Time
  readonly kind: FaultKind
  /** In [0, 1): whom it meets. */
  readonly whom: number
  /** Milliseconds until it is mended. */
  readonly lasts: number
  /** In [0, 1): what else it needs to know. */
  readonly how: number
}

const longest: Readonly<Record<FaultKind, number>> = {
  agent: 20 * 60_000,
  question: 30 * 60_000,
  login: 40 * 60_000,
  machine: 60 * 60_000,
  reboot: 20 * 60_000,
  cut: 0,
  closed: 0,
  change: 15 * 60_000,
  forge: 30 * 60_000,
  answer: 0,
  dispatcher: 120_000,
  suspend: 10 * 60_000,
  clock: 30 * 60_000,
  disk: 10 * 60_000,
}

/** One kind's faults, one after another, for ever. */
export function* faultsOf(kind: FaultKind, mean: number, start: Time, random: () => number): Generator<Fault> {
  for (let at = start; ;) {
    at += -Math.log(1 - random()) * mean
    yield { at, kind, whom: random(), lasts: random() * longest[kind], how: random() }
  }
}
