/** The same port with one process for each `run`, for a tmux that refuses control-mode clients (a state that some 3.6 get into). */
import type { Machine } from '../core/nouns.ts'
import type { Tmux, TmuxCommand, TmuxReply } from '../core/ports.ts'
import { runProcess } from '../host/exec.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { argvOn } from '../host/transport.ts'
import { unreachableError } from './control-mode.ts'
import { renderLine } from './quote.ts'
import { randomHex } from '../host/random.ts'

const TIMEOUT_MS = 60_000

export class OneShotTmux implements Tmux {
  readonly machine: string
  version = ''
  session = ''
  readonly #argv: readonly string[]

  constructor(machine: Machine) {
    this.machine = machine.name
    this.#argv = argvOn(machine, [machine.tmux, '-u', '-N', '-L', machine.socket, 'source-file', '-'])
  }

  async run(lines: readonly (readonly TmuxCommand[])[]): Promise<readonly TmuxReply[]> {
    if (lines.length === 0) return []
    const nonce = randomHex(12)
    const mark = (index: number, end: 'ok' | 'end') => `${nonce}.${index}.${end}`
    // The first mark is dropped with the rest of a line that fails; the second always comes.
    const input = lines
      .map((line, i) => `${renderLine([...line, print(mark(i, 'ok'))])}\n${renderLine([print(mark(i, 'end'))])}\n`)
      .join('')
    const { code, stdout, stderr, stopped } = await runProcess(this.#argv, { input, timeout_ms: TIMEOUT_MS })
    const said = stdout.split('\n')
    const errors = stderr.split('\n')
    let at = 0
    return lines.map((_, i) => {
      const end = said.indexOf(mark(i, 'end'), at)
      if (end === -1) {
        const { reason, hint } = explainTransportFailure(stderr, code)
        throw unreachableError(this.machine, stopped === null ? reason : 'it did not answer in time', hint)
      }
      const ok = said[end - 1] === mark(i, 'ok')
      const block = said.slice(at, ok ? end - 1 : end)
      at = end + 1
      return { ok, lines: block, error: ok ? null : (errors.shift() ?? '') }
    })
  }

  /** There is no process between two runs that could tell of anything. */
  listen(): boolean {
    return false
  }

  async close(): Promise<void> {
    // Every run has ended its own process.
  }
}

function print(text: string): TmuxCommand {
  return ['display-message', '-p', text]
}
