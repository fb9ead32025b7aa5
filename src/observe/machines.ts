/** Connects to the machines of a fleet over tmux, with one channel per machine. */
import type { AgentLiveness } from '../core/incarnation.ts'
import type { Incarnation, Machine, Time } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { MachineCapture, Machines, PaneHost, SnapshotWithScreens } from '../core/pane-host.ts'
import type { Clock } from '../core/ports.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError, ifCode, messageOf } from '../core/errors.ts'
import { agentsIn, incarnationParts, pidsOf, agentLiveness } from '../core/incarnation.ts'
import { backoffMs } from '../decide/backoff.ts'
import { readTexts } from '../host/files.ts'
import { loginAccess } from '../host/login-files.ts'
import { machineFacts } from '../host/machine-facts.ts'
import { usageRecords } from '../host/usage-records.ts'
import { endProcesses, processesOn } from '../host/processes.ts'
import { writeDeliveryFiles } from '../host/delivery-files.ts'
import { panesOf } from '../tmux/pane-host.ts'
import { unreachableError } from '../tmux/control-mode.ts'
import { openTmux } from '../tmux/open.ts'
import { unreachableWithAgents } from './agents.ts'

/** First and longest pause between attempts to reach a machine (ms). There is no pause before the first retry. */
const reconnectBackoff = { first: 1_000, longest: 5 * 60_000 }
/** Maximum time (ms) until tmux notices that the process of a pane has ended. */
const reapTimeout = 5_000
/** Time to wait for a connection to a machine that failed before (ms). After this time the attempt continues in the background. */
const retryTimeout = 2_000

/**
 * Connects to all machines concurrently. It waits for the first attempt to reach a machine, but not for later attempts, so that an
 * unreachable machine does not delay the others. It retries such a machine with back-off. It reopens a broken channel at the next call.
 */
export class TmuxMachines implements Machines {
  readonly #hosts = new Map<string, PaneHost>()
  /** Attempts in progress. */
  readonly #attempts = new Map<string, Promise<PaneHost>>()
  /** Machines that failed since their last snapshot: the number of consecutive failures, and the time of the last failure. */
  readonly #failures = new Map<string, { readonly count: number; readonly at: Time }>()
  readonly #clock: Clock
  readonly #random: () => number
  readonly #known: (machine: string) => Promise<readonly Incarnation[]>
  /** Agents that have ended, by machine. burn does not look them up again, because an ended agent never runs again. */
  readonly #ended = new Map<string, Set<Incarnation>>()
  readonly #closed = new AbortController()

  /**
   * `random` returns a number in [0, 1). It varies the pauses, so that several processes do not reconnect at the same moment. `known`
   * returns the agents that the ledger has for a machine. A machine without a session counts as down only if none of these agents runs.
   */
  constructor(clock: Clock, random: () => number, known: (machine: string) => Promise<readonly Incarnation[]>) {
    this.#known = known
    this.#clock = clock
    this.#random = random
  }

  async open(machines: readonly Machine[], longest: number = reconnectBackoff.longest): Promise<readonly PaneHost[]> {
    return Promise.all(machines.map((machine) => this.#open(machine, longest)))
  }

  async #open(machine: Machine, longest: number): Promise<PaneHost> {
    const { name } = machine
    const held = this.#hosts.get(name)
    if (held?.tmux != null && held.state === 'up') return held
    if (held?.state !== 'unreachable') return this.#attempt(machine)
    if (this.#attempts.has(name) || !this.#isDue(name, longest)) return held
    const waited = new AbortController()
    await Promise.race([this.#attempt(machine), this.#clock.sleep(retryTimeout, waited.signal)])
    waited.abort()
    return this.#hosts.get(name) ?? held
  }

  #isDue(name: string, longest: number): boolean {
    const { count, at } = this.#failures.get(name) ?? { count: 0, at: 0 }
    return count < 2 || hasElapsed(at, backoffMs(count - 1, { first: reconnectBackoff.first, longest }, this.#random()), this.#clock.now())
  }

  #attempt(machine: Machine): Promise<PaneHost> {
    const { name } = machine
    const current = this.#attempts.get(name)
    if (current !== undefined) return current
    const attempt = connect(machine, this.#clock, this.#closed.signal).then(async (channel) => {
      const host = this.#hostOver(channel)
      this.#attempts.delete(name)
      if (this.#closed.signal.aborted) await host.tmux?.close()
      else this.#hosts.set(name, host)
      if (host.state === 'unreachable') this.#countFailure(name)
      return host
    })
    this.#attempts.set(name, attempt)
    return attempt
  }

  #countFailure(name: string): void {
    this.#failures.set(name, { count: (this.#failures.get(name)?.count ?? 0) + 1, at: this.#clock.now() })
  }

  #hostOver(channel: Channel): PaneHost {
    const { machine, tmux, reason, hint } = channel
    const panes = tmux === null ? null : panesOf(tmux, machine)
    const lost = () => Promise.reject(unreachableError(machine.name, reason, hint))
    const host: PaneHost = {
      ...channel,
      modes_block: panes?.modes_block ?? false,
      snapshot: async () =>
        (await this.#ask(host, panes === null ? null : async () => ({ snapshot: await panes.snapshot() }), {})).snapshot,
      snapshotWithScreens: () =>
        this.#ask<Omit<SnapshotWithScreens, 'snapshot'>>(host, panes?.snapshotWithScreens ?? null, { screens: new Map() }),
      capture: (history) =>
        this.#ask<Omit<MachineCapture, 'snapshot'>>(host, panes === null ? null : () => panes.capture(history), { panes: new Map() }),
      history: panes?.history ?? lost,
      type: panes?.type ?? lost,
      start: panes?.start ?? lost,
      end: async (agents) => {
        await panes?.keep(agents)
        const processes = agents.flatMap((agent) => incarnationParts(agent) ?? [])
        const left = await endProcesses(machine, processes)
        const ended = left === null ? [] : agents.filter((agent) => !left.has(incarnationParts(agent)?.pid ?? -1))
        await this.#untilPanesDead(host, ended)
        return new Set(ended)
      },
      write: (texts) => writeDeliveryFiles(machine, texts),
      texts: (paths) => readTexts(machine, paths).catch(ifCode(['machine_files'], null)),
      usage: usageRecords(machine),
      logins: loginAccess(machine),
      facts: async () => (channel.state === 'unreachable' ? null : machineFacts(machine)),
      drop: (thrown) => this.#drop(host, thrown),
    }
    return host
  }

  /** Waits until tmux has noticed that these agents have ended. Until then, a snapshot still shows them alive. */
  async #untilPanesDead(host: PaneHost, ended: readonly Incarnation[]): Promise<void> {
    for (const end = this.#clock.now() + reapTimeout; this.#clock.now() < end; await this.#clock.sleep(50)) {
      const { living } = agentsIn(await host.snapshot())
      if (!ended.some((agent) => living.has(agent))) return
    }
  }

  /** Takes a snapshot. If the channel fails, the snapshot says that the machine is unreachable, with the reason, and the rest is `empty`. */
  async #ask<T extends object>(host: PaneHost, question: (() => Promise<Seen<T>>) | null, empty: T): Promise<Seen<T>> {
    const { machine, state, reason } = host
    const unreachable = (why: string): Seen<T> => ({
      ...empty,
      snapshot: { machine: machine.name, state: 'unreachable', reason: why },
    })
    if (question === null) return state === 'down' ? { ...empty, snapshot: await this.#snapshotWithoutSession(host) } : unreachable(reason)
    try {
      const answer = await question()
      this.#failures.delete(machine.name)
      return answer
    } catch (thrown) {
      await host.drop(thrown)
      return unreachable(messageOf(thrown))
    }
  }

  /** Returns the snapshot of a machine that has no session. Its state is `down` only if none of its agents runs. */
  async #snapshotWithoutSession({ machine, reason }: PaneHost): Promise<MachineSnapshot> {
    const { name } = machine
    const known = await this.#known(name)
    const liveness = known.length === 0 ? null : await this.liveness(machine, known)
    if (liveness !== null && liveness.living.size > 0) return unreachableWithAgents(machine, reason, liveness)
    if (known.length === 0 || liveness !== null) return { machine: name, state: 'down' }
    return { machine: name, state: 'unreachable', reason: `${reason}, and its process table can't be read` }
  }

  async liveness(machine: Machine, agents: readonly Incarnation[]): Promise<AgentLiveness | null> {
    const before = this.#ended.get(machine.name) ?? new Set()
    const asked = agents.filter((agent) => !before.has(agent))
    const processes = asked.length === 0 ? new Map() : await processesOn(machine, pidsOf(asked))
    if (processes === null) return null
    const { living, ended } = agentLiveness(asked, processes)
    const now = new Set([...before, ...ended])
    this.#ended.set(machine.name, now)
    return { living, ended: new Set(agents.filter((agent) => now.has(agent))) }
  }

  async #drop({ machine, tmux }: PaneHost, thrown: unknown): Promise<void> {
    // Drop only this channel: a concurrent caller may have dropped it already and opened a new one.
    if (this.#hosts.get(machine.name)?.tmux === tmux) {
      this.#hosts.set(
        machine.name,
        this.#hostOver({ machine, tmux: null, state: 'unreachable', reason: messageOf(thrown), hint: hintOf(thrown) }),
      )
      this.#countFailure(machine.name)
    }
    await tmux?.close()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all(this.#attempts.values())
    await Promise.all([...this.#hosts.values()].map(({ tmux }) => tmux?.close()))
    this.#hosts.clear()
  }
}

/** A snapshot of a machine, with the screens or other data that were asked for. */
type Seen<T> = T & { readonly snapshot: MachineSnapshot }

/** The result of an attempt to connect: a channel, or the reason why there is none. */
type Channel = Pick<PaneHost, 'machine' | 'tmux' | 'state' | 'reason' | 'hint'>

async function connect(machine: Machine, clock: Clock, signal: AbortSignal): Promise<Channel> {
  try {
    return { machine, tmux: await openTmux(machine, { clock, signal }), state: 'up', reason: '', hint: '' }
  } catch (thrown) {
    const state = thrown instanceof BurnError && thrown.code === 'tmux_no_session' ? 'down' : 'unreachable'
    return { machine, tmux: null, state, reason: messageOf(thrown), hint: hintOf(thrown) }
  }
}

function hintOf(thrown: unknown): string {
  return thrown instanceof BurnError ? thrown.hint : ''
}
