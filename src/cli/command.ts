/** A command as a value: what it takes, what it does, and how a person is shown what came of it. */
import type { ExitCode } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import type { Io } from './io.ts'
import type { Parsed, Args } from './args.ts'

/** The product's version, the same as in package.json (a test holds it). */
export const version = '0.1.0'

/** What a command line needs of the process that it runs in. */
export interface Deps {
  readonly io: Io
  readonly clock: Clock
  readonly random: () => number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly cwd: string
  /** The words that start this program: interpreter and file. */
  readonly self: readonly string[]
  /** Aborted by the first Ctrl-C or SIGTERM: the command finishes its step and starts no other. */
  readonly stop: AbortSignal
}

/** The options of every command. */
export interface Common {
  readonly spec: string | undefined
  readonly here: string | undefined
  readonly json: boolean
}

export interface OpenSession {
  readonly session: Session
  /** Where the spec was read. */
  readonly spec_file: string
  close(): Promise<void>
}

/** What a running command works with. */
export interface CommandContext extends Deps {
  readonly common: Common
  /** Opens the fleet of the spec. `runBurn` closes it after the command. */
  readonly open: () => Promise<OpenSession>
  /** Prints one part of a stream: as a line of JSON with `--json`, else with `present`, whose first parameter it must fit (`satisfies`). */
  readonly emit: (part: unknown) => void
  /** For progress that only a person needs; null with `--json`. */
  readonly person: Io | null
}

/** The result is what `--json` prints. */
export interface Done<R> {
  readonly result: R
  readonly exit: ExitCode
}

export interface Command<T extends Args, R> {
  readonly args: T
  readonly examples?: readonly string[]
  /** Paragraphs for the end of its help. */
  readonly notes?: readonly string[]
  /** Returns the result, or only the exit code if everything was emitted. */
  readonly run: (deps: CommandContext, given: Parsed<T>) => Promise<Done<R> | ExitCode>
  readonly present: (result: R, io: Io, given: Parsed<T>, now: number) => void
}

/** Any command, for those who need not know what it takes and gives. */
export type AnyCommand = Command<Args, unknown>

/** Declares a command with the types of its options and of its result. */
export function command<T extends Args, R>(declared: Command<T, R>): AnyCommand {
  // A command only gets what was parsed by its own `takes`, and presents only its own results.
  return declared as unknown as AnyCommand
}

export function done<R>(result: R, exit: ExitCode = 0): Done<R> {
  return { result, exit }
}

/** 0 if all went well, 1 if nothing did, else 3. */
export function exitFor(well: number, all: number): ExitCode {
  return well === all ? 0 : well === 0 ? 1 : 3
}
