/** A command that goes on until it is ended: its lines as they come, and how it ended. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { command, compiled } from '../support/fleet.ts'

export interface Running {
  readonly lines: readonly string[]
  /** The next line, from those that were said before on, that matches and was not given yet. */
  said(what: RegExp): Promise<string>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Starts the command; what it says on both streams is one list. Ended with the test. */
export function startBurn(t: TestContext, env: Readonly<Record<string, string>>, ...words: readonly string[]): Running {
  const child = spawn(process.execPath, [command, ...words], {
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', NODE_COMPILE_CACHE: compiled, ...env },
    cwd: env['HOME'],
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const wake = () => waiting.forEach((each) => each())
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      wake()
    })
  let over = false
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
    child.on('close', (code, signal) => {
      over = true
      done({ code, signal })
      wake()
    })
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
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
  return { lines, said, kill: (signal) => void child.kill(signal), ended }
}
