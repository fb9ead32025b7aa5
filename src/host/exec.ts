/** Runs child processes. No other file of burn starts one. */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { processContext } from './process-context.ts'

/** How `runProcess` runs a program. */
export interface RunOptions {
  readonly input?: string | Buffer
  readonly timeout_ms: number
  /** The time (ms) between SIGTERM and SIGKILL if burn ends the program. Without it, burn sends SIGKILL at once. */
  readonly grace_ms?: number
  /** If this signal is aborted, burn ends the program, as after a timeout. */
  readonly signal?: AbortSignal
  /** The limit of stdout and of stderr, in bytes. burn ends a program that writes more. */
  readonly max_bytes?: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The encoding of stdout. With `latin1` each character is one byte of the output. */
  readonly encoding?: 'utf8' | 'latin1'
  /**
   * Answers the questions that the program or its children write to descriptor 3. An empty line ends each question and each answer. The
   * promise must not reject.
   */
  readonly onQuestion?: (question: string) => Promise<string>
}

/** How a program ended, with its output. */
export interface RunResult {
  /** The exit code; 127 if the program could not be started, null if burn or a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  /** The reason why burn ended the program; null if the program ended by itself. */
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
}

const MAX_BYTES = 64 * 1024 * 1024
/** The wait (ms) for the rest of the output after a program has exited. A grandchild could hold the pipes open for ever. */
const DRAIN_MS = 250
/** The limit (bytes) for the stderr of a streamed program. */
const STREAM_STDERR_MAX = 64 * 1024

/**
 * Runs a program until it ends, and returns its output. Does not throw if the program fails: if it can't be started, the code is 127 and
 * stderr has the reason. After a timeout, too much output or `signal`, burn ends the whole process group.
 */
export function runProcess(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const child = spawnPiped(argv, options)
  return new Promise((resolve) => {
    const max = options.max_bytes ?? MAX_BYTES
    const output = { stdout: new BoundedBuffer(max), stderr: new BoundedBuffer(max) }
    let stopped: RunResult['stopped'] = null
    let failure = ''
    const stop = (why: NonNullable<RunResult['stopped']>) => {
      if (stopped !== null) return
      stopped = why
      if (options.grace_ms === undefined) killGroup(child)
      else endGroup(child, options.grace_ms)
    }
    const timer = setTimeout(() => stop('timeout'), options.timeout_ms)
    const aborted = () => stop('stop')
    options.signal?.addEventListener('abort', aborted)
    const finish = (code: number | null, signal: string | null) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', aborted)
      for (const pipe of child.stdio) pipe?.destroy()
      // A program may exit with 0 after SIGTERM, but it has not done its work.
      const exit = stopped === null ? code : null
      resolve({ code: exit, signal, stdout: output.stdout.text(options.encoding), stderr: failure + output.stderr.text(), stopped })
    }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        if (!output[name].add(chunk)) stop('too_much')
      })
    }
    child.once('error', (error) => {
      failure = `${argv[0]}: ${spawnErrorText(error)}\n`
      finish(127, null)
    })
    onceDrained(child, finish)
    if (options.onQuestion !== undefined) answerQuestions(child, options.onQuestion)
    child.stdin.end(options.input ?? '')
    if (options.signal?.aborted === true) aborted()
  })
}

function answerQuestions(child: PipedChild, onQuestion: NonNullable<RunOptions['onQuestion']>): void {
  // `spawnPiped` made descriptor 3 a pipe, because `onQuestion` is set.
  const pipe = child.stdio[3] as Duplex
  let buffer = ''
  pipe.on('error', () => pipe.destroy())
  pipe.on('data', (chunk: Buffer) => {
    buffer += chunk.toString()
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const question = buffer.slice(0, end)
      buffer = buffer.slice(end + 2)
      void onQuestion(question).then((text) => pipe.write(`${text}\n`))
    }
  })
}

/** How `streamProcess` runs a program. */
export interface StreamOptions {
  readonly timeout_ms: number
  readonly stop: AbortSignal
  /** Is called with each piece of stdout; burn stores none of them. If the function returns false, burn kills the program. */
  readonly onStdout: (chunk: Buffer) => boolean
  /** Is called with each piece of stderr. */
  readonly onStderr?: (chunk: Buffer) => void
  readonly started?: (pid: number) => void
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** How a streamed program ended. */
export interface StreamResult {
  /** The exit code; 127 if the program could not be started, null if a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  /** The first 64 KiB of stderr. */
  readonly stderr: string
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
}

/**
 * Runs a program until it ends, and passes its stdout on without a limit. Does not throw if the program fails. When the program ends, burn
 * kills all processes that are left in its process group.
 */
export function streamProcess(argv: readonly string[], options: StreamOptions): Promise<StreamResult> {
  const child = spawnPiped(argv, options)
  return new Promise((resolve) => {
    const stderr = new BoundedBuffer(STREAM_STDERR_MAX)
    let stopped: StreamResult['stopped'] = null
    let failure = ''
    const end = (why: NonNullable<StreamResult['stopped']>) => {
      stopped ??= why
      killGroup(child)
    }
    const aborted = () => end('stop')
    const timer = setTimeout(() => end('timeout'), options.timeout_ms)
    options.stop.addEventListener('abort', aborted)
    const finish = (code: number | null, signal: string | null) => {
      clearTimeout(timer)
      options.stop.removeEventListener('abort', aborted)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ code, signal, stderr: failure + stderr.text(), stopped })
    }
    child.stdout.on('data', (chunk: Buffer) => {
      if (!options.onStdout(chunk)) end('too_much')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr.add(chunk)
      options.onStderr?.(chunk)
    })
    child.once('error', (error) => {
      failure = `${argv[0]}: ${spawnErrorText(error)}\n`
      finish(127, null)
    })
    child.once('exit', () => killOrphans(child))
    onceDrained(child, finish)
    child.stdin.end()
    if (child.pid !== undefined) options.started?.(child.pid)
    if (options.stop.aborted) aborted()
  })
}

/**
 * Calls `finish` after a child has exited and all of its output was read. If a grandchild holds the pipes open, the function waits only
 * DRAIN_MS.
 */
export function onceDrained(child: ChildProcess, finish: (code: number | null, signal: NodeJS.Signals | null) => void): void {
  child.once('exit', (code, signal) => {
    let over = false
    const end = () => {
      if (over) return
      over = true
      clearTimeout(timer)
      finish(code, signal)
    }
    // If this process was busy, the timer may fire before Node has read the output that is already in the pipe. Node reads this output
    // before it runs the callback of setImmediate.
    const timer = setTimeout(() => setImmediate(end), DRAIN_MS)
    child.once('close', end)
  })
}

/** A child process whose three streams are pipes. */
export type PipedChild = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Starts a program in its own process group, with pipes for its three streams. A Ctrl-C in the terminal does not reach another process
 * group, so it does not end the program. Errors of the stdin pipe are ignored, because the program's exit code shows such a failure, too.
 */
export function spawnPiped(
  argv: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string; onQuestion?: RunOptions['onQuestion'] } = {},
): PipedChild {
  const [program, ...args] = argv
  if (program === undefined) throw new Error('no program to start')
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...(options.onQuestion === undefined ? [] : ['pipe' as const])],
    detached: true,
    ...processContext.getStore(),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  child.stdin.on('error', () => child.stdin.destroy())
  return child
}

/** Runs a program in the terminal until the program ends. Returns its exit code; 127 if the program can't be started. */
export function runInTerminal(argv: readonly string[]): Promise<number> {
  const [program, ...args] = argv
  if (program === undefined) throw new Error('no program to start')
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', ...processContext.getStore() })
    child.once('error', () => resolve(127))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** Kills a child that `spawnPiped` started, with its whole process group. */
export function killGroup(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null) return
  if (!signalGroup(child, 'SIGKILL')) child.kill('SIGKILL')
}

/** Kills the processes that an exited child left in its process group. */
export function killOrphans(child: ChildProcess): void {
  signalGroup(child, 'SIGKILL')
}

/** Ends a child with its whole process group: with SIGTERM, and after `grace` ms with SIGKILL. burn does not wait for the SIGKILL to exit. */
function endGroup(child: ChildProcess, grace: number): void {
  if (signalGroup(child, 'SIGTERM')) setTimeout(() => signalGroup(child, 'SIGKILL'), grace).unref()
}

/** Sends a signal to the process group of a child. Returns false if the group has no processes. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): boolean {
  if (pid === undefined) return false
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}

/** Returns the reason why a program could not be started, in the wording of a shell. */
export function spawnErrorText(error: Error): string {
  const code = 'code' in error ? error.code : null
  if (code === 'ENOENT') return 'command not found'
  return code === 'EACCES' ? 'permission denied' : error.message
}

/** Collects chunks up to a limit in bytes. */
class BoundedBuffer {
  readonly #chunks: Buffer[] = []
  readonly #max: number
  #size = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Returns false if the chunk exceeds the limit; the chunk is then dropped. */
  add(chunk: Buffer): boolean {
    this.#size += chunk.length
    if (this.#size <= this.#max) this.#chunks.push(chunk)
    return this.#size <= this.#max
  }

  text(encoding: BufferEncoding = 'utf8'): string {
    return Buffer.concat(this.#chunks).toString(encoding)
  }
}
