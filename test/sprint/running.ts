/** Runs a command in the background, and gives its lines as they arrive. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { burn, command, compiled } from '../support/fleet.ts'

interface Output {
  readonly lines: readonly string[]
  /** Waits for the next line that matches. It also returns earlier lines, but each line only once. */
  waitFor(pattern: RegExp): Promise<string>
}

/** A command in its own process. */
export interface Running extends Output {
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** A command in the test's own process. */
export interface RunningHere extends Output {
  /** Stops the command as SIGTERM does. */
  stop(): void
  readonly ended: Promise<number>
}

/** Collects lines, and resolves the waiters. */
function collectLines(): Output & { add(line: string): void; end(): void } {
  const lines: string[] = []
  const waiters = new Set<() => void>()
  const checkWaiters = () => waiters.forEach((each) => each())
  let hasEnded = false
  let consumed = 0
  const waitFor = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const check = () => {
        const found = lines.findIndex((line, index) => index >= consumed && pattern.test(line))
        if (found < 0 && !hasEnded) return
        waiters.delete(check)
        consumed = found + 1
        if (found < 0) reject(new Error(`the command ended without a line ${String(pattern)}:\n${lines.join('\n')}`))
        else resolve(lines[found] ?? '')
      }
      waiters.add(check)
      check()
    })
  const add = (line: string) => {
    lines.push(line)
    checkWaiters()
  }
  const end = () => {
    hasEnded = true
    checkWaiters()
  }
  return { lines, waitFor, add, end }
}

/** Starts the command in its own process. Both output streams are one list of lines. The end of the test kills it. */
export function startBurn(t: TestContext, env: Readonly<Record<string, string>>, ...words: readonly string[]): Running {
  const child = spawn(process.execPath, [command, ...words], {
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', NODE_COMPILE_CACHE: compiled, ...env },
    cwd: env['HOME'],
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { lines, waitFor, add, end } = collectLines()
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', add)
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.on('close', (code, signal) => {
      end()
      done({ code, signal })
    })
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { lines, waitFor, kill: (signal) => void child.kill(signal), ended }
}

/** Starts the command in the test's process, which is cheaper. Its stderr arrives at its end. The end of the test stops it. */
export function startHere(t: TestContext, env: Readonly<Record<string, string>>, ...words: readonly string[]): RunningHere {
  const stop = new AbortController()
  const { lines, waitFor, add, end } = collectLines()
  let partial = ''
  const addText = (text: string) => {
    const complete = (partial + text).split('\n')
    partial = complete.pop() ?? ''
    complete.forEach(add)
  }
  const ended = burn(words, env, { stop: stop.signal, onOutput: addText }).then(({ code, err }) => {
    addText(err)
    end()
    return code
  })
  t.after(async () => {
    stop.abort()
    await ended
  })
  return { lines, waitFor, stop: () => stop.abort(), ended }
}
