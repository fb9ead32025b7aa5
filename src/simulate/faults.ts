/** Generates the faults of a simulation: kind, time and duration, all from a seed. */
import type { Time } from '../core/nouns.ts'

/** The kinds of faults, each with the default mean interval between two faults (ms). */
export const faultKinds = {
  /** An agent's process ends. A person starts a new process after some minutes. */
  agent: 60 * 60_000,
  /** An agent asks a question. A person answers after some minutes. */
  question: 60 * 60_000,
  /** The model's provider refuses the requests of all agents of a machine for up to 40 minutes, so their turns fail: a login or a limit. */
  login: 120 * 60_000,
  /** A machine is unreachable for up to an hour. */
  machine: 120 * 60_000,
  /** A machine's tmux server ends, with all its agents. A person starts the server and the agents again. */
  reboot: 240 * 60_000,
  /** The connection to a machine breaks during a write. */
  cut: 30 * 60_000,
  /** A person closes an issue that an agent works on. */
  closed: 240 * 60_000,
  /** A person opens a change that closes an issue, and merges or closes this change within 15 minutes. */
  change: 40 * 60_000,
  /** A check of an agent's change fails, fails once, or does not end. */
  ci: 10 * 60_000,
  /** Somebody reviews an agent's change, or pushes to its branch: people who may write, and strangers. */
  review: 10 * 60_000,
  /** An agent's change conflicts with its base. git can resolve half of the conflicts. */
  conflict: 20 * 60_000,
  /** A person declares that an open issue blocks another one. */
  blocker: 30 * 60_000,
  /** The forge is unreachable for up to half an hour. */
  forge: 120 * 60_000,
  /** The forge carries out a write, but the forge's answer is lost. */
  answer: 30 * 60_000,
  /** A dispatcher is killed between two steps, and restarted. */
  dispatcher: 30 * 60_000,
  /** A dispatcher is suspended for some minutes, then resumed. */
  suspend: 60 * 60_000,
  /** The clock of a dispatcher jumps ahead or back, by up to two hours. */
  clock: 120 * 60_000,
  /** The disk of the ledger is full for some minutes. */
  disk: 180 * 60_000,
} as const

export type FaultKind = keyof typeof faultKinds
/** The mean interval between two faults (ms), by kind. */
export type Faults = ReadonlyMap<FaultKind, number>

/** One fault. */
export interface Fault {
  readonly at: Time
  readonly kind: FaultKind
  /** A random number in [0, 1) that selects the target, such as the agent or the machine. */
  readonly whom: number
  /** Duration (ms). */
  readonly lasts: number
  /** A random number in [0, 1) that selects the variant of the fault. */
  readonly how: number
}

/** The maximum duration of each kind of fault (ms); 0 for a fault that happens once. */
const longest: Readonly<Record<FaultKind, number>> = {
  agent: 20 * 60_000,
  question: 30 * 60_000,
  login: 40 * 60_000,
  machine: 60 * 60_000,
  reboot: 20 * 60_000,
  cut: 0,
  closed: 0,
  change: 15 * 60_000,
  ci: 0,
  review: 30 * 60_000,
  conflict: 0,
  blocker: 0,
  forge: 30 * 60_000,
  answer: 0,
  dispatcher: 120_000,
  suspend: 10 * 60_000,
  clock: 30 * 60_000,
  disk: 10 * 60_000,
}

/** Yields the faults of one kind, in order of time, without end. */
export function* faultsOf(kind: FaultKind, mean: number, start: Time, random: () => number): Generator<Fault> {
  for (let at = start; ;) {
    at += -Math.log(1 - random()) * mean
    yield { at, kind, whom: random(), lasts: random() * longest[kind], how: random() }
  }
}
