/** Types of commands. A command is a value with its options, a function that runs it and a function that prints its result for a person. */
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
  /** The argv that starts this program again: the path of Node and the path of burn's file. */
  readonly self: readonly string[]
  /** Aborted by the first Ctrl-C or SIGTERM. Then the command finishes its current step and starts no other step. */
  readonly stop: AbortSignal
}

/** The values of the options that every command has. */
export interface Common {
  readonly spec: string | undefined
  readonly here: string | undefined
  readonly json: boolean
}

/** An open session. Its opener must close it. */
export interface OpenSession {
  readonly session: Session
  /** The path that the spec was read from. */
  readonly spec_file: string
  close(): Promise<void>
}

/** The context of a running command: its process, its common options and its output. */
export interface CommandContext extends Deps {
  readonly common: Common
  /**
   * Opens a session with the fleet of the spec. `runBurn` closes the session after the command. `log`: the output of log lines; by default
   * that of the command.
   */
  readonly open: (log?: Pick<Io, 'err' | 'paint'>) => Promise<OpenSession>
  /**
   * Prints one part of a result that arrives in parts: as a line of JSON with `--json`, else with `present`. Callers check the type of a
   * part with `satisfies`, because the compiler does not check that type against the parameter of `present`.
   */
  readonly emit: (part: unknown) => void
  /** The output for messages that only people read, such as progress; null with `--json`. */
  readonly person: Io | null
}

/** The result of a command and its exit code. `--json` prints the result. */
export interface Done<R> {
  readonly result: R
  readonly exit: ExitCode
}

/** A command: its arguments and options, the function that runs it, and the function that prints its result for a person. */
export interface Command<T extends Args, R> {
  readonly args: T
  readonly examples?: readonly string[]
  /**
   * Paragraphs at the end of the command's help. A paragraph that begins with "Exit codes" replaces the general paragraph about exit codes.
   */
  readonly notes?: readonly string[]
  /** The exit code after an error; by default the one of the error. */
  readonly errorExit?: ExitCode
  /** Returns true if the command runs until Ctrl-C. Then Ctrl-C is its normal end, and does not change its exit code. */
  readonly endless?: (given: Parsed<T>) => boolean
  /** Runs the command. Returns the result, or only the exit code if `emit` has printed everything. */
  readonly run: (deps: CommandContext, given: Parsed<T>) => Promise<Done<R> | ExitCode>
  readonly present: (result: R, io: Io, given: Parsed<T>, now: number) => void
}

/** A command with any options and any type of result. */
export type AnyCommand = Command<Args, unknown>

/** Returns the declared command. With this function the compiler infers and checks the types of its options and its result. */
export function command<T extends Args, R>(declared: Command<T, R>): AnyCommand {
  // The cast is safe: a command gets only options that its own `args` parsed, and presents only its own results.
  return declared as unknown as AnyCommand
}

/** Returns the result of a command with its exit code. */
export function done<R>(result: R, exit: ExitCode = 0): Done<R> {
  return { result, exit }
}

/** Returns the exit code for `succeeded` of `all` parts: 0 if all succeeded, 1 if none did, else 3. */
export function exitFor(succeeded: number, all: number): ExitCode {
  return succeeded === all ? 0 : succeeded === 0 ? 1 : 3
}
