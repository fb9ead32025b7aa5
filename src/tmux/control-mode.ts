/**
 * A control-mode client, which stays connected to its tmux server. burn writes each command as a line to the client's stdin, and does not
 * wait for the reply before it writes the next line.
 */
import type { Clock, Tmux, TmuxCommand, TmuxListener, TmuxReply } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { killGroup, spawnPiped, type PipedChild } from '../host/exec.ts'
import { afterMark, type FramedCommand } from '../host/run-on.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { ReplyParser } from './protocol.ts'
import { renderLine } from './quote.ts'
import { randomHex } from '../host/random.ts'

/** If a reply is due and the server sends no output for this time (ms), the server counts as unreachable. */
const SILENCE_MS = 20_000
const CLOSE_MS = 2_000
const STDERR_MAX = 8_192
/** The maximum size (bytes) of one reply: five times the screens of 1000 panes with 200 columns and 50 rows. */
const REPLY_MAX = 64 * 1024 * 1024
/** The maximum number of lines that may wait for a reply. No snapshot of a machine needs so many lines. */
const PENDING_MAX = 20_000

interface Pending {
  readonly resolve: (reply: TmuxReply) => void
  readonly reject: (error: BurnError) => void
}

/** How a client process ended. */
export interface ClientExit {
  readonly code: number | null
  readonly stderr: string
  /** The lines in which tmux reports why the client ended: errors while attaching, and `%exit` with a reason. */
  readonly messages: readonly string[]
}

/** Implements the port `Tmux` with a client in control mode. */
export class ControlModeClient implements Tmux {
  readonly machine: string
  version = ''
  session = ''
  readonly #child: PipedChild
  readonly #mark: string | null
  readonly #clock: Clock
  readonly #parser: ReplyParser
  readonly #pending: Pending[] = []
  #next = 0
  #sent = 0
  #received = 0
  #stderr = ''
  #closing = false
  /** Stops the timer of `#watchSilence`; null while no reply is due. */
  #watch: AbortController | null = null
  #failure: BurnError | null = null
  #listener: TmuxListener | null = null
  /** Resolves when the client process has ended. */
  readonly ended: Promise<ClientExit>

  constructor(machine: string, { argv, mark }: FramedCommand, clock: Clock) {
    this.machine = machine
    this.#mark = mark
    this.#clock = clock
    this.#parser = new ReplyParser(
      randomHex(12),
      (reply) => this.#reply(reply),
      (id) => this.#listener?.changed(id),
    )
    this.#child = spawnPiped(argv)
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#received += chunk.length
      this.#parser.feed(chunk)
      if (this.#parser.held > REPLY_MAX) this.#giveUp(`tmux answered with more than ${REPLY_MAX / 1024 / 1024} MB`)
    })
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-STDERR_MAX)
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#stderr += `${argv[0]}: command not found (${error.message})`
        resolve(this.#end(127))
      })
      this.#child.once('close', (code) => resolve(this.#end(code)))
    })
  }

  run(lines: readonly (readonly TmuxCommand[])[]): Promise<readonly TmuxReply[]> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (this.#pending.length - this.#next + lines.length > PENDING_MAX)
      return Promise.reject(unreachableError(this.machine, `${PENDING_MAX} commands wait for a reply of tmux`, 'Run burn doctor.'))
    // All lines are rendered first, so that burn sends none of them if tmux can't represent an argument.
    const rendered = lines.map(renderLine)
    const text = rendered.map((line) => `${line}\ndisplay-message -p ${this.#parser.mark(this.#sent++)}\n`).join('')
    const replies = rendered.map(() => new Promise<TmuxReply>((resolve, reject) => this.#pending.push({ resolve, reject })))
    this.#child.stdin.write(text)
    if (replies.length > 0 && this.#watch === null) void this.#watchSilence((this.#watch = new AbortController()))
    return Promise.all(replies)
  }

  listen(listener: TmuxListener): boolean {
    if (this.#failure === null) this.#listener = listener
    else listener.ended(this.#failure)
    return true
  }

  /** Ends the client. The server and its panes keep running. */
  async close(): Promise<void> {
    this.#closing = true
    this.#child.stdin.end()
    const waited = new AbortController()
    await Promise.race([this.ended, this.#clock.sleep(CLOSE_MS, waited.signal)])
    waited.abort()
    killGroup(this.#child)
    await this.ended
  }

  /** Kills the client. */
  kill(): void {
    killGroup(this.#child)
  }

  #reply(reply: TmuxReply): void {
    this.#pending[this.#next++]?.resolve(reply)
    if (this.#next < this.#pending.length) return
    this.#pending.length = 0
    this.#next = 0
    this.#unwatch()
  }

  /** Fails the channel if a reply is due and nothing has arrived for `SILENCE_MS`. */
  async #watchSilence({ signal }: AbortController): Promise<void> {
    for (let seen = -1; seen !== this.#received;) {
      seen = this.#received
      await this.#clock.sleep(SILENCE_MS, signal)
      if (signal.aborted) return
    }
    this.#giveUp(`no output for ${SILENCE_MS / 1000} s`)
  }

  #giveUp(reason: string): void {
    this.#fail(unreachableError(this.machine, reason, 'Run burn doctor.'))
    killGroup(this.#child)
  }

  #unwatch(): void {
    this.#watch?.abort()
    this.#watch = null
  }

  #end(code: number | null): ClientExit {
    const messages = this.#parser.messages
    const stderr = (this.#mark === null ? null : afterMark(this.#stderr, this.#mark)) ?? this.#stderr
    const { reason, hint } = explainTransportFailure(stderr, code)
    const why = stderr.trim() === '' ? exitReason(messages) : reason
    this.#fail(
      this.#closing
        ? unreachableError(this.machine, 'the channel was closed', 'Open it again.')
        : unreachableError(this.machine, why, hint),
    )
    return { code, stderr, messages }
  }

  #fail(error: BurnError): void {
    if (this.#failure === null) this.#listener?.ended(error)
    this.#failure ??= error
    this.#unwatch()
    for (const { reject } of this.#pending.splice(0).slice(this.#next)) reject(this.#failure)
    this.#next = 0
  }
}

/** Returns the error `machine_unreachable` for a machine. */
export function unreachableError(machine: string, reason: string, hint: string): BurnError {
  return new BurnError('machine_unreachable', `${machine} is unreachable: ${reason}`, hint)
}

function exitReason(messages: readonly string[]): string {
  const last = messages.findLast((message) => message !== '%exit')
  return last === undefined ? 'tmux ended the connection' : `tmux reported: ${last.replace(/^%exit /, '')}`
}
