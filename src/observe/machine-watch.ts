/** One machine, looked at when its tmux tells that something changed. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { Tmux, Clock } from '../core/ports.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { MachineScreens } from './readings.ts'
import type { Session } from './session.ts'
import { messageOf } from '../core/errors.ts'
import { withStrays } from './agents.ts'
import { debounce_ms, captureChangedPanes, subscribe } from '../tmux/subscribe.ts'

/** Milliseconds. A look at everything that tmux pushes nothing for; the pause of looks where it can't push; the pushes of one comparison come together. */
const safety = 30_000
const polling = 2_000
const coalesce = 30
const reconnectBackoff = { first: 1_000, longest: 30_000 }

export class MachineWatch {
  /** What was seen last; null before the first look. */
  seen: MachineScreens | null = null
  readonly #machine: Machine
  readonly #session: Session
  readonly #updated: () => void
  readonly #bell: WakeSignal
  #host: PaneHost | null = null
  #subscribed: Tmux | null = null
  #pushes = false
  #changed = new Set<string>()
  /** Told of in the last push: looked at once more. */
  #again = new Set<string>()
  #againAt = Infinity
  #fullAt = 0
  #pause = reconnectBackoff.first
  #ended: Error | null = null

  /** `updated` is called after every look. */
  constructor(machine: Machine, session: Session, updated: () => void) {
    this.#machine = machine
    this.#session = session
    this.#updated = updated
    this.#bell = new WakeSignal(session.clock)
  }

  async run(stop: AbortSignal): Promise<void> {
    const { clock } = this.#session
    while (!stop.aborted) {
      if (this.#ended !== null) await this.#lost(this.#ended)
      else if (this.#host === null || clock.now() >= this.#fullAt || this.#fullAt - clock.now() > safety) await this.#lookAtAll()
      else await this.#lookAtChanged(this.#host)
      this.#updated()
      while (!stop.aborted && !this.#isDue()) await this.#bell.wait(Math.max(1, this.#rests()), stop)
      if (this.#changed.size > 0 && this.#ended === null) await clock.sleep(coalesce, stop)
    }
  }

  /** How long until the next look, milliseconds. One that lies further ahead than any is planned is due: the clock was set back. */
  #rests(): number {
    const rest = Math.min(this.#fullAt, this.#againAt) - this.#session.clock.now()
    return rest > safety ? 0 : rest
  }

  #isDue(): boolean {
    return this.#ended !== null || (this.#host !== null && this.#changed.size > 0) || this.#rests() <= 0
  }

  async #lookAtAll(): Promise<void> {
    const { machines, clock } = this.#session
    const [host] = await machines.open([this.#machine], reconnectBackoff.longest)
    if (host === undefined) throw new RangeError('one machine was asked for')
    this.#rest()
    await this.#subscribe(host)
    this.seen = await withStrays(this.#machine, await host.snapshotWithScreens(), this.#session)
    const { snapshot: sight } = this.seen
    const up = sight.state === 'up'
    this.#host = up ? host : null
    this.#fullAt = clock.now() + (up ? (this.#pushes && !isAway(sight) ? safety : polling) : this.#pause)
    this.#pause = up ? reconnectBackoff.first : Math.min(this.#pause * 2, reconnectBackoff.longest)
  }

  /** Before the look, so that nothing can happen between the two. A channel that breaks here says so in the look. */
  async #subscribe(host: PaneHost): Promise<void> {
    const { tmux } = host
    if (tmux === null || tmux === this.#subscribed) return
    const own = (act: () => void) => () => {
      if (this.#subscribed !== tmux) return
      act()
      this.#bell.wake()
    }
    this.#subscribed = tmux
    try {
      this.#pushes = await subscribe(tmux, {
        changed: (id) => own(() => this.#changed.add(id))(),
        ended: (error) => own(() => (this.#ended = error))(),
      })
    } catch (thrown) {
      await host.drop(thrown)
    }
  }

  async #lookAtChanged(host: PaneHost): Promise<void> {
    const asked = new Set([...this.#changed, ...this.#again])
    this.#again = this.#changed
    this.#againAt = this.#again.size > 0 ? this.#session.clock.now() + debounce_ms : Infinity
    this.#changed = new Set()
    if (host.tmux === null || this.seen === null || asked.size === 0) return
    try {
      const seen = await captureChangedPanes(host.tmux, this.#machine, this.seen, asked)
      this.seen = await withStrays(this.#machine, seen, this.#session)
      if (isAway(seen.snapshot)) this.#fullAt = Math.min(this.#fullAt, this.#session.clock.now() + polling)
    } catch (thrown) {
      this.#ended = thrown instanceof Error ? thrown : new Error(String(thrown))
    }
  }

  /** Nothing is known of a machine whose channel has ended; opened anew at once, then less and less often. */
  async #lost(error: Error): Promise<void> {
    this.#ended = null
    this.#subscribed = null
    this.#rest()
    if (this.#host !== null) await this.#host.drop(error)
    this.#host = null
    this.#fullAt = this.#session.clock.now() + this.#pause
    this.seen = { snapshot: { machine: this.#machine.name, state: 'unreachable', reason: messageOf(error) }, screens: new Map() }
  }

  #rest(): void {
    this.#changed = new Set()
    this.#again = new Set()
    this.#againAt = Infinity
  }
}

/** Whether panes are in other sessions: tmux pushes only what happens in the attached one. */
function isAway(sight: MachineSnapshot): boolean {
  return sight.state === 'up' && sight.panes.some(({ session_id }) => session_id !== sight.session_id)
}

export class WakeSignal {
  readonly #clock: Clock
  #rung = false
  #waiting: AbortController | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  wake(): void {
    this.#rung = true
    this.#waiting?.abort()
  }

  /** Waits until it is rung, `ms` have passed, or `stop` is aborted. */
  async wait(ms: number, stop: AbortSignal): Promise<void> {
    if (!this.#rung && !stop.aborted) {
      this.#waiting = new AbortController()
      const end = () => this.#waiting?.abort()
      stop.addEventListener('abort', end)
      await this.#clock.sleep(ms, this.#waiting.signal)
      stop.removeEventListener('abort', end)
      this.#waiting = null
    }
    this.#rung = false
  }
}
