/** Child processes: the only place that starts one. */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { processContext } from './process-context.ts'

export interface RunOptions {
  readonly input?: string | Buffer
  readonly timeout_ms: number
  /** Ends it, as the time-out does. */
  readonly signal?: AbortSignal
  /** Bytes of stdout and of stderr that are kept; a child that says more is ended. */
  readonly max_bytes?: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** How stdout becomes a text; with `latin1` each character is one of its bytes, whatever they are. */
  readonly encoding?: 'utf8' | 'latin1'
  /** Answers what the child, or one of its own, asks on descriptor 3: lines up to an empty one, both ways. Must not reject. */
  readonly answers?: (question: string) => Promise<string>
}

export interface RunResult {
  /** 127 where the program could not be started; null where a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
  /** Why this program ended it; null where it ended by itself. */
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
}

const MAX_BYTES = 64 * 1024 * 1024
/** How long output may still come once the child has ended: a grandchild can hold the pipes for ever. */
const DRAIN_MS = 250
const FOLLOWED_STDERR = 64 * 1024

/**
 * Runs a program to its end. Never throws for what the program does: a program that can't be started is code 127 with the
 * reason on stderr. On time-out, too much output or `signal` its whole process group is killed.
 */
export function runProcess(argv: readonly string[], options: RunOptions): Promise<RunResult> {
  const child = spawnPiped(argv, options)
  return new Promise((resolve) => {
    const max = options.max_bytes ?? MAX_BYTES
    const output = { stdout: new Gathered(max), stderr: new Gathered(max) }
    let stopped: RunResult['stopped'] = null
    let failure = ''
    const stop = (why: NonNullable<RunResult['stopped']>) => {
      stopped ??= why
      killGroup(child)
    }
    const timer = setTimeout(() => stop('timeout'), options.timeout_ms)
    const aborted = () => stop('stop')
    options.signal?.addEventListener('abort', aborted)
    const finish = (code: number | null, signal: string | null) => {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', aborted)
      for (const pipe of child.stdio) pipe?.destroy()
      resolve({ code, signal, stdout: output.stdout.text(options.encoding), stderr: failure + output.stderr.text(), stopped })
    }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        if (!output[name].add(chunk)) stop('too_much')
      })
    }
    child.once('error', (error) => {
      failure = `${argv[0]}: ${startFailure(error)}\n`
      finish(127, null)
    })
    onceRead(child, finish)
    if (options.answers !== undefined) answer(child, options.answers)
    child.stdin.end(options.input ?? '')
    if (options.signal?.aborted === true) aborted()
  })
}

function answer(child: PipedChild, answers: NonNullable<RunOptions['answers']>): void {
  // `open` made it a pipe, because there are `answers`.
  const line = child.stdio[3] as Duplex
  let asked = ''
  line.on('error', () => line.destroy())
  line.on('data', (chunk: Buffer) => {
    asked += chunk.toString()
    for (let end = asked.indexOf('\n\n'); end >= 0; end = asked.indexOf('\n\n')) {
      const question = asked.slice(0, end)
      asked = asked.slice(end + 2)
      void answers(question).then((text) => line.write(`${text}\n`))
    }
  })
}

export interface StreamOptions {
  readonly timeout_ms: number
  readonly stop: AbortSignal
  /** Each piece of its stdout as it comes, kept nowhere; false: enough, end it. */
  readonly onStdout: (chunk: Buffer) => boolean
  readonly started?: (pid: number) => void
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface StreamResult {
  /** 127 where the program could not be started; null where a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  /** Its beginning. */
  readonly stderr: string
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
}

/**
 * Runs a program to its end and hands its stdout on, however much that is. Never throws for what the program does. What is
 * left of its process group when it ends, or has to, is killed.
 */
export function streamProcess(argv: readonly string[], options: StreamOptions): Promise<StreamResult> {
  const child = spawnPiped(argv, options)
  return new Promise((resolve) => {
    const stderr = new Gathered(FOLLOWED_STDERR)
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
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk))
    child.once('error', (error) => {
      failure = `${argv[0]}: ${startFailure(error)}\n`
      finish(127, null)
    })
    child.once('exit', () => killRest(child))
    onceRead(child, finish)
    child.stdin.end()
    if (child.pid !== undefined) options.started?.(child.pid)
    if (options.stop.aborted) aborted()
  })
}

/** Calls `finish` when a child has ended and its output was read, or a grandchild has held its pipes for DRAIN_MS. */
export function onceRead(child: ChildProcess, finish: (code: number | null, signal: NodeJS.Signals | null) => void): void {
  child.once('exit', (code, signal) => {
    let over = false
    const end = () => {
      if (over) return
      over = true
      clearTimeout(timer)
      finish(code, signal)
    }
    // If this process was busy, the timer fires before output that has long been there is read. It is read before the immediate runs.
    const timer = setTimeout(() => setImmediate(end), DRAIN_MS)
    child.once('close', end)
  })
}

export type PipedChild = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Starts a program with its three streams as pipes of bytes, in a process group of its own, so that a Ctrl-C meant for this
 * program does not end it too. What breaks its stdin shows as its end, so errors of that pipe are no errors of their own.
 */
export function spawnPiped(
  argv: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string; answers?: RunOptions['answers'] } = {},
): PipedChild {
  const [program, ...args] = argv
  if (program === undefined) throw new Error('no program to start')
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...(options.answers === undefined ? [] : ['pipe' as const])],
    detached: true,
    ...processContext.getStore(),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  child.stdin.on('error', () => child.stdin.destroy())
  return child
}

/** Gives the terminal to a program until it ends. Returns its exit code (127 where it can't be started). */
export function handOver(argv: readonly string[]): Promise<number> {
  const [program, ...args] = argv
  if (program === undefined) throw new Error('no program to start')
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', ...processContext.getStore() })
    child.once('error', () => resolve(127))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** Kills a child that `open` started, and everything it started in its process group. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is gone already: it ended by itself a moment ago.
    child.kill('SIGKILL')
  }
}

/** Kills what an ended child left in its process group. */
export function killRest(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It left nothing there.
  }
}

export function startFailure(error: Error): string {
  const code = 'code' in error ? error.code : null
  if (code === 'ENOENT') return 'command not found'
  return code === 'EACCES' ? 'permission denied' : error.message
}

class Gathered {
  readonly #chunks: Buffer[] = []
  readonly #max: number
  #size = 0

  constructor(max: number) {
    this.#max = max
  }

  /** False once there is more than may be kept. */
  add(chunk: Buffer): boolean {
    this.#size += chunk.length
    if (this.#size <= this.#max) this.#chunks.push(chunk)
    return this.#size <= this.#max
  }

  text(encoding: BufferEncoding = 'utf8'): string {
    return Buffer.concat(this.#chunks).toString(encoding)
  }
}
