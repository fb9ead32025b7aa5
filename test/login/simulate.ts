/**
 * Simulates hours of a login of Hermes: its tokens end, the provider is unavailable or revokes the login, agents renew it at the same time,
 * files are half-written, and burn processes die. It runs burn's own job against an imitation of Hermes, whose refresh tokens are valid
 * once. A violation is an event in which burn lost a login, or could have lost it.
 */
import type { LoginListing, RenewalEnd } from '../../src/core/login.ts'
import type { Fleet, Machine } from '../../src/core/nouns.ts'
import type { PaneHost } from '../../src/core/pane-host.ts'
import type { Session } from '../../src/observe/session.ts'
import { paneAgentCache } from '../../src/agents/index.ts'
import { refreshJob, refreshLogins } from '../../src/collect/login-refresh.ts'
import { seeded } from '../../src/core/random.ts'
import { runJob } from '../../src/jobs/run.ts'
import { fleetOf } from '../simulate/storm.ts'
import { MemoryLedger } from './memory-ledger.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const margin = 120 * second

/** The figures of a simulation. */
export interface LoginFigures {
  readonly violations: readonly string[]
  readonly text: string
}

/** The provider: its sessions, each with the only refresh token that is valid. */
class Provider {
  down = false
  session = 1
  generation = 0
  revoked = false
  reused = 0

  /** Returns the new generation; a reason if there is none. */
  renew(session: number, generation: number): number | 'unavailable' | 'invalid_grant' {
    if (this.down) return 'unavailable'
    if (session !== this.session || generation !== this.generation) this.reused++
    if (session !== this.session || generation !== this.generation || this.revoked) {
      this.revoked = true
      return 'invalid_grant'
    }
    return ++this.generation
  }
}

/** The state of a login file. */
interface File {
  session: number
  generation: number
  ends_at: number
  /** The provider refused the login, and Hermes deleted its tokens. */
  refused: boolean
}

/** A queue of events in virtual time. */
class Agenda {
  now = Date.UTC(2026, 0, 1)
  readonly #queue: { readonly at: number; readonly run: () => void }[] = []

  after(ms: number, run: () => void): void {
    const at = this.now + ms
    const index = this.#queue.findLastIndex((each) => each.at <= at) + 1
    this.#queue.splice(index, 0, { at, run })
  }

  async runUntil(end: number): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined && next.at < end; next = this.#queue.shift()) {
      this.now = next.at
      next.run()
      // All work that needs no time ends before the next event.
      await new Promise(setImmediate)
    }
    this.now = end
  }
}

class Simulation {
  readonly agenda = new Agenda()
  readonly provider = new Provider()
  readonly ledger = new MemoryLedger()
  readonly violations: string[] = []
  readonly counts = { commands: 0, renewed: 0, by_agents: 0, refusals: 0, outages: 0, deaths: 0, half_written: 0, person: 0 }
  readonly file: File = { session: 1, generation: 0, ends_at: this.agenda.now + hour, refused: false }
  readonly #random: () => number
  readonly #fleet: Fleet
  readonly #machine: Machine
  readonly #kindOf = paneAgentCache()
  broken = false
  /** Hermes locks its file: one process at a time renews the login. */
  #lock: Promise<void> = Promise.resolve()
  #running = 0
  #lastCommand = -Infinity

  constructor(seed: number) {
    this.#random = seeded(seed)
    const fleet = fleetOf(1, 2)
    this.#machine = withHermes(fleet.machines[0]!)
    this.#fleet = { ...fleet, machines: [this.#machine] }
  }

  between(low: number, high: number): number {
    return low + this.#random() * (high - low)
  }

  /** Runs Hermes' command once, as `by`. Hermes takes a lock, and treats a file that it cannot read as empty. */
  async hermes(by: 'burn' | 'agent'): Promise<void> {
    const before = this.#lock
    let release = () => {}
    this.#lock = new Promise((done) => (release = done))
    await before
    try {
      if (this.broken && by === 'burn') this.violations.push(`${this.at()}: burn runs the command for a half-written file`)
      if (this.broken || this.file.refused || this.file.ends_at - this.agenda.now > margin) return
      const spent = { ...this.file }
      await this.wait(this.between(50, 20 * second))
      const answer = this.provider.renew(spent.session, spent.generation)
      if (answer === 'invalid_grant') Object.assign(this.file, { refused: true, ends_at: 0 })
      if (typeof answer !== 'number') return
      Object.assign(this.file, { generation: answer, ends_at: this.agenda.now + this.between(10, 90) * minute })
      if (by === 'burn') this.counts.renewed++
      else this.counts.by_agents++
    } finally {
      release()
    }
  }

  at(): string {
    return new Date(this.agenda.now).toISOString()
  }

  wait(ms: number): Promise<void> {
    return new Promise((done) => this.agenda.after(ms, done))
  }

  /** Starts the command as burn does, and checks the rules about when burn may do so. */
  async command(): Promise<RenewalEnd> {
    this.counts.commands++
    if (this.agenda.now - this.#lastCommand < minute) this.violations.push(`${this.at()}: two commands in a minute`)
    if (this.file.refused) this.violations.push(`${this.at()}: a command after a refusal`)
    if (this.#running > 0) this.violations.push(`${this.at()}: two commands at once`)
    this.#lastCommand = this.agenda.now
    this.#running++
    await this.hermes('burn')
    this.#running--
    return 'ended'
  }

  listing(): LoginListing {
    const { refused, ends_at, session, generation } = this.file
    const stamp = `2026-01-01T00:00:${session}.${generation}`
    const state = refused
      ? { last_auth_error: { relogin_required: true } }
      : { access_token: { exp: ends_at / 1000, email: null }, refresh_token: true, obtained_at: stamp }
    const path = '/home/ada/.hermes/auth.json'
    const content = this.broken ? null : { providers: { nous: state } }
    return {
      clock: this.agenda.now,
      person: '/home/ada',
      os: 'Linux',
      host: '',
      files: [{ path, real: path, content, why: this.broken ? 'half-written' : '' }],
    }
  }

  /**
   * Runs burn's job in one process. With `dies`, the process dies while the command runs; the command continues. A person runs it without
   * `period`.
   */
  async burn(owner: string, dies: boolean, period: number | null = minute): Promise<void> {
    let isDead = false
    const host = {
      state: 'up',
      logins: {
        read: async () => this.listing(),
        renew: async () => {
          const ended = this.command()
          if (!dies) return ended
          isDead = true
          this.counts.deaths++
          return new Promise<never>(() => {})
        },
      },
    } as unknown as PaneHost // the job uses only these parts of a host
    const session = {
      fleet: this.#fleet,
      ledger: this.ledger.part(() => isDead),
      machines: { open: async () => [host] },
      clock: { now: () => this.agenda.now, sleep: () => Promise.resolve() },
      kindOf: this.#kindOf,
      owner,
      notify: () => {},
    } as unknown as Session // the job uses only these parts of a session
    const work = runJob({ name: refreshJob(this.#machine), period }, session, () => refreshLogins(this.#machine, session, false))
    await Promise.race([work, this.wait(5 * minute)])
  }
}

function withHermes(machine: Machine): Machine {
  const windows = machine.windows.map((window) => ({
    ...window,
    workers: window.workers.map((worker) => ({ ...worker, agent: { ...worker.agent, kind: 'hermes' as const } })),
  }))
  return { ...machine, windows }
}

/** Simulates hours of one login, and returns the violations. The same seed gives the same events. */
export async function simulateLogins({ seed, hours }: { readonly seed: number; readonly hours: number }): Promise<LoginFigures> {
  const simulation = new Simulation(seed)
  const { agenda, provider, file, counts } = simulation
  const end = agenda.now + hours * hour
  const every = (low: number, high: number, run: () => void) => {
    const next = () =>
      agenda.after(simulation.between(low, high), () => {
        next()
        run()
      })
    next()
  }
  // Two dispatchers. One run in forty dies during the command.
  for (const owner of ['a', 'b'])
    every(50 * second, 70 * second, () => void simulation.burn(`${owner} ${agenda.now}`, simulation.between(0, 40) < 1))
  every(10 * second, 20 * minute, () => void simulation.burn(`person ${agenda.now}`, false, null))
  // Agents work in some hours, and then renew the login themselves.
  every(5 * second, 4 * minute, () => {
    if (new Date(agenda.now).getUTCHours() % 3 === 0) void simulation.hermes('agent')
  })
  every(2 * hour, 20 * hour, () => {
    counts.outages++
    provider.down = true
    agenda.after(simulation.between(minute, 3 * hour), () => void (provider.down = false))
  })
  every(30 * hour, 60 * hour, () => {
    counts.refusals++
    provider.revoked = true
  })
  every(hour, 10 * hour, () => {
    counts.half_written++
    simulation.broken = true
    agenda.after(simulation.between(second, 5 * minute), () => void (simulation.broken = false))
  })
  // A person logs in again some hours after a refusal.
  every(4 * hour, 6 * hour, () => {
    if (!file.refused) return
    counts.person++
    Object.assign(provider, { session: provider.session + 1, generation: 0, revoked: false })
    Object.assign(file, { session: provider.session, generation: 0, ends_at: agenda.now + hour, refused: false })
  })
  // After an outage burn may wait for half an hour before its next attempt.
  let [late, blocked_at] = [0, agenda.now]
  every(minute, minute, () => {
    const isBlocked = file.refused || provider.down || provider.revoked || simulation.broken
    if (isBlocked) blocked_at = agenda.now
    if (Math.max(file.ends_at, blocked_at) < agenda.now - 35 * minute) late++
  })
  await agenda.runUntil(end)
  if (provider.reused > 0) simulation.violations.push(`${provider.reused} tokens were used twice`)
  if (late > 0) simulation.violations.push(`the login was expired for more than 35 minutes, although the provider answered (${late} times)`)
  const events = simulation.ledger.events.filter(({ kind }) => kind === 'login.tried').length
  const text =
    `${hours} hours, ${counts.commands} commands (${events} in the log), ${counts.renewed} renewals by burn and ${counts.by_agents} by agents, ` +
    `${counts.refusals} refusals, ${counts.outages} outages, ${counts.half_written} half-written files, ${counts.deaths} deaths of burn, ` +
    `${provider.reused} tokens used twice, ${simulation.violations.length} violations`
  return { violations: simulation.violations, text }
}
