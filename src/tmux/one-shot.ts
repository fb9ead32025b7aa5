/**
 * Implements the port `Tmux` with one tmux process for each `run`. burn uses it if a server refuses control-mode clients. Some servers of
 * tmux 3.6 get into this state.
 */
import type { Machine } from '../core/nouns.ts'
import type { Tmux, TmuxCommand, TmuxReply } from '../core/ports.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { runOn } from '../host/run-on.ts'
import { unreachableError } from './control-mode.ts'
import { renderLine } from './quote.ts'
import { randomHex } from '../host/random.ts'

const TIMEOUT_MS = 60_000

/** Implements the port `Tmux` with one short process for each `run`. */
export class OneShotTmux implements Tmux {
  readonly machine: string
  version = ''
  session = ''
  readonly #machine: Machine

  constructor(machine: Machine) {
    this.machine = machine.name
    this.#machine = machine
  }

  async run(lines: readonly (readonly TmuxCommand[])[]): Promise<readonly TmuxReply[]> {
    if (lines.length === 0) return []
    const { tmux, socket } = this.#machine
    const nonce = randomHex(12)
    const mark = (index: number, end: 'ok' | 'end') => `${nonce}.${index}.${end}`
    // If a command fails, tmux drops the rest of the line, so it does not print the `ok` mark. tmux always prints the `end` mark.
    const input = lines
      .map((line, i) => `${renderLine([...line, print(mark(i, 'ok'))])}\n${renderLine([print(mark(i, 'end'))])}\n`)
      .join('')
    const { code, stdout, stderr, stopped } = await runOn(this.#machine, [tmux, '-u', '-N', '-L', socket, 'source-file', '-'], {
      input,
      timeout_ms: TIMEOUT_MS,
    })
    const output = stdout.split('\n')
    const errors = stderr.split('\n')
    let at = 0
    return lines.map((_, i) => {
      const end = output.indexOf(mark(i, 'end'), at)
      if (end === -1) {
        const { reason, hint } = explainTransportFailure(stderr, code)
        throw unreachableError(this.machine, stopped === null ? reason : 'tmux did not answer in time', hint)
      }
      const ok = output[end - 1] === mark(i, 'ok')
      const block = output.slice(at, ok ? end - 1 : end)
      at = end + 1
      return { ok, lines: block, error: ok ? null : (errors.shift() ?? '') }
    })
  }

  /** Returns false: between two runs there is no process that could report changes. */
  listen(): boolean {
    return false
  }

  async close(): Promise<void> {
    // There is nothing to close: no process stays open between two runs.
  }
}

function print(text: string): TmuxCommand {
  return ['display-message', '-p', text]
}
