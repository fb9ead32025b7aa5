/** Watches one machine for `burn watch`: takes a new snapshot when tmux reports a change. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { Tmux, Clock } from '../core/ports.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { MachineScreens } from './readings.ts'
import type { Session } from './session.ts'
import { messageOf } from '../core/errors.ts'
import { withStrays } from './agents.ts'
import { debounce_ms, captureChangedPanes, subscribe } from '../tmux/subscribe.ts'

/** Interval between full snapshots while tmux reports changes (ms). Full snapshots show changes that tmux does not report. */
const fullInterval = 30_000
/** Interval between full snapshots if tmux cannot report changes (ms). */
const pollInterval = 2_000
/** Time (ms) to collect further change reports before burn captures the changed panes. */
const batchTime = 30
const reconnectBackoff = { first: 1_000, longest: 30_000 }

/** Keeps a current snapshot of one machine while `run` runs. */
export class MachineWatch {
  /** The last snapshot with screens; null before the first snapshot. */
  seen: MachineScreens | null = null
  readonly #machine: Machine
  readonly #session: Session
  readonly #updated: () => void
  readonly #wakeSignal: WakeSignal
  #host: PaneHost | null = null
  #subscribed: Tmux | null = null
  #pushes = false
  #changed = new Set<string>()
  /** Panes of the last change report. burn captures them a second time, because their screens may still have been changing. */
  #again = new Set<string>()
  #againAt = Infinity
  #fullAt = 0
  #pause = reconnectBackoff.first
  #ended: Error | null = null

  /** Calls `updated` after each snapshot. */
  constructor(machine: Machine, session: Session, updated: () => void) {
    this.#machine = machine
    this.#session = session
    this.#updated = updated
    this.#wakeSignal = new WakeSignal(session.clock)
  }

  /** Watches the machine until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock } = this.#session
    while (!stop.aborted) {
      if (this.#ended !== null) await this.#disconnect(this.#ended)
      else if (this.#host === null || clock.now() >= this.#fullAt || this.#fullAt - clock.now() > fullInterval) await this.#snapshotAll()
      else await this.#captureChanged(this.#host)
      this.#updated()
      while (!stop.aborted && !this.#isDue()) await this.#wakeSignal.wait(Math.max(1, this.#timeLeft()), stop)
      if (this.#changed.size > 0 && this.#ended === null) await clock.sleep(batchTime, stop)
    }
  }

  /**
   * Returns the time until the next snapshot (ms). Returns 0 if that time is longer than the longest interval, because then the clock was
   * set back.
   */
  #timeLeft(): number {
    const left = Math.min(this.#fullAt, this.#againAt) - this.#session.clock.now()
    return left > fullInterval ? 0 : left
  }

  #isDue(): boolean {
    return this.#ended !== null || (this.#host !== null && this.#changed.size > 0) || this.#timeLeft() <= 0
  }

  async #snapshotAll(): Promise<void> {
    const { machines, clock } = this.#session
    const [host] = await machines.open([this.#machine], reconnectBackoff.longest)
    if (host === undefined) throw new RangeError('open returned no host for the machine')
    this.#forgetPushes()
    await this.#subscribe(host)
    this.seen = await withStrays(this.#machine, await host.snapshotWithScreens(), this.#session)
    const { snapshot } = this.seen
    const up = snapshot.state === 'up'
    this.#host = up ? host : null
    this.#fullAt = clock.now() + (up ? (this.#pushes && !hasOtherSessions(snapshot) ? fullInterval : pollInterval) : this.#pause)
    this.#pause = up ? reconnectBackoff.first : Math.min(this.#pause * 2, reconnectBackoff.longest)
  }

  /**
   * Subscribes to changes. burn subscribes before it takes the snapshot, so that it misses no change. If the channel breaks during the
   * subscription, the snapshot fails, too.
   */
  async #subscribe(host: PaneHost): Promise<void> {
    const { tmux } = host
    if (tmux === null || tmux === this.#subscribed) return
    const own = (act: () => void) => () => {
      if (this.#subscribed !== tmux) return
      act()
      this.#wakeSignal.wake()
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

  async #captureChanged(host: PaneHost): Promise<void> {
    const asked = new Set([...this.#changed, ...this.#again])
    this.#again = this.#changed
    this.#againAt = this.#again.size > 0 ? this.#session.clock.now() + debounce_ms : Infinity
    this.#changed = new Set()
    if (host.tmux === null || this.seen === null || asked.size === 0) return
    try {
      const seen = await captureChangedPanes(host.tmux, this.#machine, this.seen, asked)
      this.seen = await withStrays(this.#machine, seen, this.#session)
      if (hasOtherSessions(seen.snapshot)) this.#fullAt = Math.min(this.#fullAt, this.#session.clock.now() + pollInterval)
    } catch (thrown) {
      this.#ended = thrown instanceof Error ? thrown : new Error(String(thrown))
    }
  }

  /** Marks the machine as unreachable, because its channel has ended. The next attempt to connect follows after a back-off. */
  async #disconnect(error: Error): Promise<void> {
    this.#ended = null
    this.#subscribed = null
    this.#forgetPushes()
    if (this.#host !== null) await this.#host.drop(error)
    this.#host = null
    this.#fullAt = this.#session.clock.now() + this.#pause
    this.seen = { snapshot: { machine: this.#machine.name, state: 'unreachable', reason: messageOf(error) }, screens: new Map() }
  }

  #forgetPushes(): void {
    this.#changed = new Set()
    this.#again = new Set()
    this.#againAt = Infinity
  }
}

/** Whether panes of the fleet are in sessions other than the attached one. tmux reports only changes in the attached session. */
function hasOtherSessions(snapshot: MachineSnapshot): boolean {
  return snapshot.state === 'up' && snapshot.panes.some(({ session_id }) => session_id !== snapshot.session_id)
}

/** A signal that ends the wait of a loop. If `wake` is called while the loop does not wait, its next wait ends at once. */
export class WakeSignal {
  readonly #clock: Clock
  #isWoken = false
  #waiting: AbortController | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the current wait, or the next one. */
  wake(): void {
    this.#isWoken = true
    this.#waiting?.abort()
  }

  /** Waits until `wake` is called, `ms` have passed or `stop` is aborted. */
  async wait(ms: number, stop: AbortSignal): Promise<void> {
    if (!this.#isWoken && !stop.aborted) {
      this.#waiting = new AbortController()
      const end = () => this.#waiting?.abort()
      stop.addEventListener('abort', end)
      await this.#clock.sleep(ms, this.#waiting.signal)
      stop.removeEventListener('abort', end)
      this.#waiting = null
    }
    this.#isWoken = false
  }
}
