/** Declares commands as values: their options, what they run, and how they show the result to a person. */
import type { ExitCode } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import type { Io } from './io.ts'
import type { Parsed, Args } from './args.ts'

/** The version of burn. A test compares it with package.json. */
export const version = '0.1.0'

/** The parts of the process that a command uses. */
export interface Deps {
  readonly io: Io
  readonly clock: Clock
  readonly random: () => number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly cwd: string
  /** The argv that starts this program: interpreter and file. */
  readonly self: readonly string[]
  /** Aborted by the first Ctrl-C or SIGTERM. The command then finishes its step and starts no other. */
  readonly stop: AbortSignal
}

/** The options of every command. */
export interface Common {
  readonly spec: string | undefined
  readonly here: string | undefined
  readonly json: boolean
}

/** A session that must be closed. */
export interface OpenSession {
  readonly session: Session
  /** The path that the spec was read from. */
  readonly spec_file: string
  close(): Promise<void>
}

/** The process, the common options and the output of a running command. */
export interface CommandContext extends Deps {
  readonly common: Common
  /** Opens the fleet of the spec. `runBurn` closes it after the command. */
  readonly open: () => Promise<OpenSession>
  /**
   * Prints one part of a stream: a line of JSON with `--json`, else `present`. Check its type with `satisfies`, because `present` gets it.
   */
  readonly emit: (part: unknown) => void
  /** Output for progress that only a person needs; null with `--json`. */
  readonly person: Io | null
}

/** A result, which `--json` prints, and the exit code. */
export interface Done<R> {
  readonly result: R
  readonly exit: ExitCode
}

/** A command: its arguments, its work and how a person sees the result. */
export interface Command<T extends Args, R> {
  readonly args: T
  readonly examples?: readonly string[]
  /** Paragraphs at the end of its help. One that begins with "Exit codes" replaces the general line. */
  readonly notes?: readonly string[]
  /** Returns the result, or only the exit code if everything was emitted. */
  readonly run: (deps: CommandContext, given: Parsed<T>) => Promise<Done<R> | ExitCode>
  readonly present: (result: R, io: Io, given: Parsed<T>, now: number) => void
}

/** A command of any options and result. */
export type AnyCommand = Command<Args, unknown>

/** Returns a command; the compiler checks the types of its options and its result. */
export function command<T extends Args, R>(declared: Command<T, R>): AnyCommand {
  // The cast is safe: a command gets only options that its own `args` parsed, and presents only its own results.
  return declared as unknown as AnyCommand
}

/** Returns the result of a command with its exit code. */
export function done<R>(result: R, exit: ExitCode = 0): Done<R> {
  return { result, exit }
}

/** Returns 0 if all parts succeeded, 1 if none did, else 3. */
export function exitFor(succeeded: number, all: number): ExitCode {
  return succeeded === all ? 0 : succeeded === 0 ? 1 : 3
}
