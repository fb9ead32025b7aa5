/**
 * Runs the stand-in for Hermes in panes of a private tmux server, and types to it with tmux's own commands. One client carries them all,
 * because a process for each would be slow.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ParsedScreen, Keystrokes } from '../../../src/core/agent.ts'
import { hermes } from '../../../src/agents/hermes.ts'
import { openTmux } from '../../../src/tmux/open.ts'
import { clock } from '../../support/clock.ts'
import { jsonLines } from '../../support/json-lines.ts'
import { endServer, socketName } from '../../support/tmux.ts'
import { machineOn, quiet } from '../../tmux/conformance.ts'
import { standInFile } from '../files.ts'

const program = standInFile('hermes')

/** One line of the log of the stand-in. */
export interface Logged {
  readonly event: string
  /** The prompt, and the content of the files that it names. */
  readonly text?: string
  /** The prompt only. */
  readonly line?: string
  readonly state?: string
  readonly outcome?: string
  readonly how?: string
  readonly why?: string
  readonly answer?: string
}

/** A running stand-in, with the keys and the screen of its pane. */
export interface Agent {
  screen(): Promise<readonly string[]>
  look(): Promise<ParsedScreen>
  place(pieces: readonly Keystrokes[]): Promise<void>
  /** Pastes without brackets, so every line end becomes an Enter. */
  pasteBare(text: string): Promise<void>
  keys(...names: string[]): Promise<void>
  /** Ends a held turn (held-turn.mjs), and every later one at once. */
  go(): void
  log(event?: string): readonly Logged[]
  resize(width: number, height: number): Promise<void>
  /** Polls until the screen matches. Throws with the screen after 30 s. */
  until(what: string, holds: (look: ParsedScreen, screen: readonly string[], above: readonly string[]) => boolean): Promise<ParsedScreen>
  untilLogged(event: string, count?: number): Promise<readonly Logged[]>
}

/** Opens a private server. `close` ends it, with everything in it. */
export function openRig(): { start(size: string, ...args: string[]): Promise<Agent>; close(): Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), 'burn-stand-in-'))
  const socket = socketName()
  const opened = openTmux(machineOn(socket), { clock, create: quiet })
  const tmux: Run = async (...commands) => {
    const [reply] = await (await opened).run([commands])
    if (reply?.ok !== true) throw new Error(`tmux: ${reply?.error}`)
    return reply.lines
  }
  let count = 0

  async function start(size: string, ...args: string[]): Promise<Agent> {
    const name = `a${++count}`
    const file = join(dir, `${name}.jsonl`)
    const [width, height] = size.split('x') as [string, string]
    const words = [process.execPath, program, 'chat', '--yolo', '--log', file, '--spin-ms', '200', ...args]
      .map((word) => `'${word}'`)
      .join(' ')
    const session = ['new-session', '-d', '-s', name, '-x', width, '-y', height, `exec ${words}`]
    await tmux(['set-option', '-g', 'remain-on-exit', 'on'], session)
    return agentIn(name, file, tmux)
  }

  return {
    start,
    async close() {
      await (await opened).close()
      endServer(socket)
      // A released agent may still write one line.
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** Runs commands one after the other, and returns the lines that they print. */
type Run = (...commands: readonly (readonly string[])[]) => Promise<readonly string[]>

function agentIn(name: string, file: string, tmux: Run): Agent {
  const format = '#{pane_width} #{pane_height} #{pane_dead} #{cursor_x} #{cursor_y} #{pane_current_command}'

  async function see(): Promise<{ seen: ParsedScreen; screen: readonly string[]; above: readonly string[] }> {
    const screen = ['capture-pane', '-p', '-S', '-100', '-t', name]
    const [first, ...all] = await tmux(['display-message', '-p', '-t', name, format], screen)
    const [width, height, dead, x, y, command] = first!.split(' ')
    const pane = {
      width: Number(width),
      height: Number(height),
      dead: dead === '1',
      cursor_x: Number(x),
      cursor_y: Number(y),
      command: command ?? '',
      title: '',
    }
    const rows = all.slice(-pane.height)
    return { seen: hermes.parseScreen(rows, pane), screen: rows, above: all.slice(0, -pane.height) }
  }

  async function poll<T>(what: string, get: () => Promise<T | null>): Promise<T> {
    for (const end = Date.now() + 30_000; Date.now() < end; await sleep(15)) {
      const got = await get()
      if (got !== null) return got
    }
    throw new Error(`${what}: not within 30 s\n${(await see()).screen.join('\n')}\n${JSON.stringify(log(), null, 1)}`)
  }

  function log(event?: string): readonly Logged[] {
    return jsonLines<Logged>(file).filter((entry) => event === undefined || entry.event === event)
  }

  const paste = (text: string) => tmux(['set-buffer', '-b', name, '--', text], ['paste-buffer', '-d', '-b', name, '-t', name])
  return {
    log,
    screen: async () => (await see()).screen,
    look: async () => (await see()).seen,
    async place(pieces) {
      for (const piece of pieces) {
        if ('type' in piece) await tmux(['send-keys', '-t', name, '-l', piece.type])
        else if ('key' in piece) await tmux(['send-keys', '-t', name, piece.key])
        else await paste(`\x1b[200~${piece.paste}\x1b[201~`)
      }
    },
    pasteBare: async (text) => void (await paste(text)),
    go: () => writeFileSync(`${file}.go`, ''),
    keys: async (...names) => void (await tmux(['send-keys', '-t', name, ...names])),
    resize: async (width, height) => void (await tmux(['resize-window', '-t', name, '-x', String(width), '-y', String(height)])),
    until: (what, holds) =>
      poll(what, async () => {
        const { seen, screen, above } = await see()
        return holds(seen, screen, above) ? seen : null
      }),
    untilLogged: (event, count = 1) => poll(`${count} × ${event} in the log`, async () => (log(event).length >= count ? log(event) : null)),
  }
}
