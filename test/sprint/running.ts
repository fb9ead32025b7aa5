/** A command that goes on until it is ended: its lines as they come, and how it ended. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { burn, command, compiled } from '../support/fleet.ts'

interface Heard {
  readonly lines: readonly string[]
  /** The next line, from those that were said before on, that matches and was not given yet. */
  said(what: RegExp): Promise<string>
}

export interface Running extends Heard {
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** A command in the test's own process. */
export interface RunningHere extends Heard {
  /** What SIGTERM does to the command. */
  stop(): void
  readonly ended: Promise<number>
}

/** Lines as they come. */
function hearing(): Heard & { add(line: string): void; end(): void } {
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const wake = () => waiting.forEach((each) => each())
  let over = false
  let given = 0
  const said = (what: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const at = lines.findIndex((line, index) => index >= given && what.test(line))
        if (at < 0 && !over) return
        waiting.delete(look)
        given = at + 1
        if (at < 0) reject(new Error(`it ended without saying ${String(what)}:\n${lines.join('\n')}`))
        else resolve(lines[at] ?? '')
      }
      waiting.add(look)
      look()
    })
  const add = (line: string) => {
    lines.push(line)
    wake()
  }
  const end = () => {
    over = true
    wake()
  }
  return { lines, said, add, end }
}

/** Starts the command in a process of its own; what it says on both streams is one list. Ended with the test. */
export function startBurn(t: TestContext, env: Readonly<Record<string, string>>, ...words: readonly string[]): Running {
  const child = spawn(process.execPath, [command, ...words], {
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', NODE_COMPILE_CACHE: compiled, ...env },
    cwd: env['HOME'],
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { lines, said, add, end } = hearing()
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
  return { lines, said, kill: (signal) => void child.kill(signal), ended }
}

/** Starts the command in the test's process, which costs less; its standard error comes when it ends. Stopped with the test. */
export function startHere(t: TestContext, env: Readonly<Record<string, string>>, ...words: readonly string[]): RunningHere {
  const stop = new AbortController()
  const { lines, said, add, end } = hearing()
  let part = ''
  const hear = (text: string) => {
    const whole = (part + text).split('\n')
    part = whole.pop() ?? ''
    whole.forEach(add)
  }
  const ended = burn(words, env, { stop: stop.signal, hear }).then(({ code, err }) => {
    hear(err)
    end()
    return code
  })
  t.after(async () => {
    stop.abort()
    await ended
  })
  return { lines, said, stop: () => stop.abort(), ended }
}
