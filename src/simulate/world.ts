/** Simulates everything outside burn: machines and agents, a forge with reviewers, and people who repair faults. */
import type { ViewLedger } from '../core/ledger.ts'
import type { ClaimLedger } from '../core/ledger/claims.ts'
import type { Fleet, Issue, IssueRef, Time, WorkerId } from '../core/nouns.ts'
import type { AgentWorld, Prompt, SimulatedAgent } from './agent.ts'
import type { VirtualClock } from './clock.ts'
import type { SimulatedBlocker } from './change-answers.ts'
import type { Fault, Faults } from './faults.ts'
import type { Habits } from './habits.ts'
import { machineOf } from '../core/refs.ts'
import { changePolicy } from '../decide/change-policy.ts'
import { isStale } from '../decide/dispatch-moves.ts'
import { SimulatedForge } from './forge.ts'
import { draw, drawn } from './habits.ts'
import { SimulatedMachine } from './machines.ts'
import { changeFaults, Reviewers, type ReviewersWorld } from './reviewers.ts'

/** A prompt that an agent received. */
export interface Receipt {
  readonly id: string
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly pid: number
  readonly at: Time
  readonly text: string
  /** The blockers of the issue that people declared, and whether each is open. */
  readonly blockers: readonly (SimulatedBlocker & { readonly open: boolean })[]
}

/** The part of a simulation's input that the simulated world needs. */
export interface WorldPlan {
  readonly fleet: Fleet
  readonly habits: Habits
  readonly seed: number
  /** The faults that the simulation injects. With a fault of changes, CI and reviewers take part. */
  readonly faults?: Faults
  /** Called for each prompt that an agent receives. */
  readonly onReceipt?: (receipt: Receipt) => void
  /** Called after each change of an agent that its screen or its pane shows. */
  readonly onChange?: (agent: SimulatedAgent) => void
}

/** Stands for the issue of a prompt that asks for no work, such as the notice that an issue was closed. */
const noIssue = ''
/** Returns the message of a `login` fault. `how` selects the variant: no login, or a usage limit with or without its reset time. */
function refusalOf(how: number, lasts: number): string {
  if (how < 0.5) return 'HTTP 401: the login has ended'
  return `HTTP 429: usage limit reached${how < 0.75 ? '' : `, try again in ${Math.ceil(lasts / 60_000)}m`}`
}

/** Match the texts of later deliveries of a dispatch: the issue and the dispatch. */
const resumption = /^Go on with (\S+) \(dispatch (\w+)\)/m
const followUp = /^(?:Your|The) change \S+ for (\S+) needs more work \(dispatch (\w+)/m

/** Duration (ms) of a turn whose prompt asks for no work. */
const readingTime = 10_000

/** Interval (ms) at which a simulated person releases stale dispatches. */
const releaseInterval = 60 * 60_000

/** Everything outside burn in one simulation. */
export class World implements AgentWorld {
  readonly clock: VirtualClock
  readonly forge: SimulatedForge
  readonly machines: ReadonlyMap<string, SimulatedMachine>
  /** For each issue that reached an agent: the time when the issue first reached an agent. */
  readonly reached: Time[] = []
  /** Number of issues that a change closed. */
  done = 0
  diskFull = false
  /** End of the last turn. */
  lastTurn: Time = 0
  /** The text with which the model's provider refuses the requests of a worker or of all workers of a machine, by their name. */
  readonly refusals = new Map<string, string>()
  /** Issues for which no turn opens a change. */
  readonly hopeless = new Set<IssueRef>()
  /** Number of injected faults. */
  faults = 0
  #forgeDown = 0
  #lostAnswers = 0
  /** The messages of active `login` faults, by machine. */
  readonly #loginFaults = new Map<string, readonly string[]>()
  /** Number of turns that agents began, for each issue that reached an agent. */
  readonly #attempts = new Map<IssueRef, number>()
  readonly #seed: number
  readonly #habits: Habits
  readonly #fleet: Fleet
  readonly #ledger: ViewLedger & ClaimLedger
  readonly #onReceipt: (receipt: Receipt) => void
  readonly #onChange: (agent: SimulatedAgent) => void
  readonly #refs: readonly IssueRef[]
  /** CI and people around changes; null if the simulation has no faults of changes. Then people merge or close each change by chance. */
  readonly #reviewers: Reviewers | null

  constructor(
    { fleet, habits, seed, faults, onReceipt, onChange }: WorldPlan,
    issues: readonly Issue[],
    clock: VirtualClock,
    ledger: ViewLedger & ClaimLedger,
  ) {
    this.clock = clock
    this.#seed = seed
    this.#habits = habits
    this.#fleet = fleet
    this.#ledger = ledger
    this.#onReceipt = onReceipt ?? (() => {})
    this.#onChange = onChange ?? (() => {})
    this.#refs = issues.map(({ ref }) => ref)
    this.machines = new Map(fleet.machines.map((machine) => [machine.name, new SimulatedMachine(machine, this)]))
    const repos = new Set(fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.flatMap((w) => w.repos))))
    for (const { repo } of issues) repos.add(repo)
    this.forge = new SimulatedForge(issues, [...repos], clock, {
      down: () => this.#forgeDown > 0,
      loses: () => this.#lostAnswers > 0 && this.#lostAnswers-- > 0,
    })
    this.#reviewers = changeFaults.some((kind) => faults?.has(kind) === true) ? new Reviewers(this.#forReviewers(seed, habits)) : null
  }

  #forReviewers(seed: number, habits: Habits): ReviewersWorld {
    const { clock, forge } = this
    return {
      clock,
      forge,
      seed,
      habits,
      merges: (repo) => changePolicy(this.#fleet, repo).merge !== 'never',
      isLive: async (dispatch) => (await this.#ledger.view()).dispatches.some(({ id }) => id === dispatch),
      isReached: (issue) => this.#attempts.has(issue),
      merged: () => (this.done += 1),
    }
  }

  /** Returns the agents of all machines. */
  agents(): SimulatedAgent[] {
    return [...this.machines.values()].flatMap(({ agents }) => [...agents.values()])
  }

  received(agent: SimulatedAgent, id: string, text: string): Prompt {
    const [, resumed, dispatch] = resumption.exec(text) ?? followUp.exec(text) ?? []
    const issue = this.forge.known(resumed ?? /issue to work on: (\S+) \(/.exec(text)?.[1] ?? '')
    const prompt = { id: dispatch === undefined ? id : Buffer.from(dispatch).toString(), issue, fixes: followUp.test(text) }
    const at = this.clock.now()
    this.#onReceipt({ id, issue, worker: agent.worker, pid: agent.pid, at, text, blockers: this.forge.blockersOf(issue) })
    if (issue === noIssue) return prompt
    this.forge.given(issue)
    if (!this.#attempts.has(issue)) {
      this.#attempts.set(issue, 0)
      this.reached.push(at)
    }
    return prompt
  }

  refuses({ worker }: SimulatedAgent): string | null {
    const machine = machineOf(worker)
    return this.#loginFaults.get(machine)?.[0] ?? this.refusals.get(worker) ?? this.refusals.get(machine) ?? null
  }

  turn({ issue }: Prompt): number {
    if (issue === noIssue) return readingTime
    this.#attempts.set(issue, (this.#attempts.get(issue) ?? 0) + 1)
    return draw(this.#habits.turn, this.#about(issue, 'turn'))
  }

  turnEnded({ id, issue, fixes }: Prompt): void {
    this.lastTurn = this.clock.now()
    if (issue === noIssue) return
    if (this.hopeless.has(issue) || this.#about(issue, 'changes')() >= this.#habits.changes) return
    if (this.#reviewers !== null) return this.#reviewers.turnEnded(id, issue, fixes)
    this.forge.change(issue, id, 'open')
    const merged = this.#about(issue, 'merged')() < this.#habits.merged
    this.clock.at(this.clock.now() + draw(this.#habits.review, this.#about(issue, 'review')), () => {
      this.forge.change(issue, id, merged ? 'merged' : 'closed')
      if (!merged || !this.forge.isOpen(issue)) return
      this.forge.close(issue)
      this.done += 1
    })
  }

  /**
   * Releases stale dispatches every hour, as a person would, and never returns. Does not release a dispatch whose prompt an agent still has
   * in its queue. A dispatch becomes stale if its text was lost, or if its turn ended without a change. Until its release the dispatch
   * occupies a slot.
   */
  async releaseStale(): Promise<void> {
    for (;;) {
      await this.clock.sleep(releaseInterval)
      const { dispatches } = await this.#ledger.cycleView()
      const queued = new Set(this.agents().flatMap(({ queue }) => queue.map(({ id }) => id)))
      const stale = dispatches.filter((each) => isStale(each, this.#fleet.dispatch.stale_after, this.clock.now()) && !queued.has(each.id))
      await this.#ledger.moveDispatches(
        stale.map(({ id }) => ({ id, from: ['handed'], to: 'released', reason: { code: 'released_by_person', forced: false } })),
        this.clock.now(),
      )
    }
  }

  /** Injects a fault, and ends it after `lasts` ms. Ignores faults of dispatchers, which `Dispatcher.injectFault` injects. */
  injectFault(fault: Fault): void {
    this.faults += 1
    if (changeFaults.some((kind) => kind === fault.kind)) return this.#reviewers?.injectFault(fault)
    const { kind, whom, lasts, how } = fault
    const machines = [...this.machines.values()]
    const machine = machines[Math.floor(whom * machines.length)]
    if (machine === undefined) return
    const agents = [...machine.agents.values()]
    const agent = agents[Math.floor(how * agents.length)]
    const later = (act: () => void) => this.clock.at(this.clock.now() + lasts, act)
    if (kind === 'agent') this.#kill(machine, agent, later)
    else if (kind === 'question' && agent?.alive === true) {
      agent.ask(true)
      later(() => agent.ask(false))
    } else if (kind === 'login') {
      const [name = ''] = [...this.machines].find(([, each]) => each === machine) ?? []
      const message = refusalOf(how, lasts)
      const active = () => this.#loginFaults.get(name) ?? []
      this.#loginFaults.set(name, [...active(), message])
      later(() => this.#loginFaults.set(name, active().toSpliced(active().indexOf(message), 1)))
    } else if (kind === 'machine') {
      machine.reach(false)
      later(() => machine.reach(true))
    } else if (kind === 'reboot') {
      machine.bringDown()
      later(() => machine.bringUp())
    } else if (kind === 'closed') this.#close(agent?.queue[0]?.issue ?? noIssue)
    else if (kind === 'change') this.#changeByPerson(how, later)
    else if (kind === 'cut') machine.breaks = how < 0.5 ? 'before' : 'after'
    else if (kind === 'forge') {
      this.#forgeDown += 1
      later(() => (this.#forgeDown -= 1))
    } else if (kind === 'answer') this.#lostAnswers += 1 + Math.floor(how * 3)
    else if (kind === 'disk') {
      this.diskFull = true
      later(() => (this.diskFull = false))
    }
    machine.changed()
  }

  #close(issue: IssueRef): void {
    if (this.forge.isOpen(issue)) this.forge.close(issue)
  }

  #changeByPerson(how: number, later: (act: () => void) => void): void {
    const issue = this.#refs[Math.floor(how * this.#refs.length)] ?? noIssue
    if (!this.forge.isOpen(issue)) return
    const name = `by a person ${this.faults}`
    const merged = this.faults % 2 === 0
    this.forge.change(issue, name, 'open')
    later(() => {
      this.forge.change(issue, name, merged ? 'merged' : 'closed')
      if (merged) this.#close(issue)
    })
  }

  #kill(machine: SimulatedMachine, agent: SimulatedAgent | undefined, later: (act: () => void) => void): void {
    agent?.die()
    later(() => {
      if (machine.up) machine.bringUp()
    })
  }

  changed(agent: SimulatedAgent): void {
    this.machines.get(machineOf(agent.worker))?.changed(agent)
    this.#onChange(agent)
  }

  /** Returns a generator of random numbers for the current attempt at an issue. `what`: the name of the decision that uses the numbers. */
  #about(issue: IssueRef, what: string): () => number {
    return drawn(this.#seed, `${issue} ${this.#attempts.get(issue) ?? 0} ${what}`)
  }
}
