/** Simulates CI and people around changes: checks that end, reviewers who answer, and people who finish what burn escalated. */
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { VirtualClock } from './clock.ts'
import type { Fault, FaultKind } from './faults.ts'
import type { SimulatedForge } from './forge.ts'
import type { Habits } from './habits.ts'
import { repoOf } from '../core/refs.ts'
import { draw, drawn } from './habits.ts'
import {
  asking,
  fleetLogin,
  hasSameWork,
  headChecks,
  newChange,
  reportCheck,
  reviewers,
  stranger,
  type SimulatedChange,
} from './changes.ts'

const minute = 60_000
/** Duration (ms) of a check. */
const checkTime = 3 * minute
/** Interval (ms) at which people look at a change that they cannot merge yet. */
const lookInterval = 15 * minute
/** The time (ms) after which a person restarts a check that does not end. */
const patience = 3 * 60 * minute
/** Share of pushes after which a check fails again, or a reviewer asks again. */
const again = 0.25

/** Share of reads after which the agent pushes again. */
const pushesAgain = 0.02

/** The faults that this file injects. */
export const changeFaults = ['ci', 'review', 'conflict', 'blocker'] as const satisfies readonly FaultKind[]

/** The parts of the simulated world that people and CI use. */
export interface ReviewersWorld {
  readonly clock: VirtualClock
  readonly forge: SimulatedForge
  readonly seed: number
  readonly habits: Habits
  /** Returns whether burn may merge the changes of a repo, so that people only approve. */
  merges(repo: RepoRef): boolean
  /** Returns whether burn still watches the change of a dispatch. */
  isLive(dispatch: string): Promise<boolean>
  /** Returns whether an issue has reached an agent. */
  isReached(issue: IssueRef): boolean
  /** Called when a change was merged. */
  merged(): void
}

/** Simulated people and the CI, for all changes of agents. */
export class Reviewers {
  readonly #world: ReviewersWorld
  /** The number of requests for changes. Each text has its own number. */
  #requests = 0

  constructor(world: ReviewersWorld) {
    this.#world = world
    world.forge.onPush = (change) => this.#startChecks(change)
    world.forge.onRead = (change) => this.#pushAgain(change)
  }

  /** Opens a change, or pushes to it if it is open. `fixes`: the agent worked on a follow-up. */
  turnEnded(id: string, issue: IssueRef, fixes: boolean): void {
    const { forge, clock, habits, seed } = this.#world
    const before = forge.reviewed.get(id)
    if (before === undefined) {
      const change = newChange({ id, issue, author: fleetLogin, base: forge.baseOf(repoOf(issue)), at: clock.now() })
      forge.reviewed.set(id, change)
      forge.touch(change)
      this.#startChecks(change)
      this.#lookIn(change, draw(habits.review, drawn(seed, `${issue} ${id} review`)))
      return
    }
    if (before.state !== 'open') return
    if (fixes) {
      before.conflict = 'none'
      before.fixed = clock.now()
    }
    forge.pushed(before, fleetLogin)
  }

  /** Lets an agent push again right after burn read its change, so that burn decides about an earlier head. */
  #pushAgain(change: SimulatedChange): void {
    const { forge, clock, seed } = this.#world
    if (change.state === 'open' && change.pushed.login === fleetLogin && drawn(seed, `${change.head} ${clock.now()} again`)() < pushesAgain)
      forge.pushed(change, fleetLogin)
  }

  /** Injects a fault into an open change or an open issue. */
  injectFault({ kind, whom, how, lasts }: Fault): void {
    if (kind === 'blocker') return this.#block(whom, how)
    const open = [...this.#world.forge.reviewed.values()].filter(({ state }) => state === 'open')
    const change = open[Math.floor(whom * open.length)]
    if (change === undefined) return
    if (kind === 'ci') this.#breakChecks(change, how)
    else if (kind === 'review') this.#review(change, how, lasts)
    else if (kind === 'conflict') change.conflict = how < 0.5 ? 'for_git' : 'for_agent'
    if (kind !== 'ci') this.#world.forge.touch(change)
  }

  /** Lets an issue depend on an earlier one, so that no issues wait for each other. */
  #block(whom: number, how: number): void {
    const { forge, clock, isReached } = this.#world
    const open = forge.openRefs()
    const waiting = open.filter((ref) => !isReached(ref))
    const ref = waiting[Math.floor(whom * waiting.length)]
    const by = ref === undefined ? undefined : open[Math.floor(how * open.indexOf(ref))]
    if (ref === undefined || by === undefined || ref === by) return
    forge.blocked.set(ref, [...(forge.blocked.get(ref) ?? []), { ref: by, since: clock.now() }])
  }

  #breakChecks(change: SimulatedChange, how: number): void {
    const report = (name: string, state: 'failed' | 'pending', flaky = false) =>
      reportCheck(change, { name, state, flaky, since: this.#world.clock.now() })
    if (how < 0.35) report('unit', 'failed')
    else if (how < 0.6) report('unit', 'failed', true)
    else if (how < 0.8) for (const name of ['unit', 'lint']) report(name, 'failed')
    else report('unit', 'pending')
  }

  #review(change: SimulatedChange, how: number, lasts: number): void {
    const [first = '', second = ''] = reviewers
    if (how < 0.35) {
      this.#write(change, first, 'changes_requested')
      if (how < 0.15) this.#comment(change, second)
    } else if (how < 0.5) {
      this.#write(change, stranger, 'changes_requested')
      this.#comment(change, stranger)
    } else if (how < 0.6) this.#write(change, stranger, 'approved')
    else if (how < 0.75) {
      this.#write(change, first, 'changes_requested')
      this.#write(change, second, 'approved')
    } else if (how < 0.9) {
      const review = this.#write(change, second, 'changes_requested')
      this.#world.clock.at(this.#world.clock.now() + lasts, () => {
        review.dismissed = true
        if (change.state === 'open') this.#world.forge.touch(change)
      })
    } else this.#world.forge.pushed(change, first)
  }

  #write(change: SimulatedChange, author: string, state: 'approved' | 'changes_requested') {
    const number = ++this.#requests
    const at = this.#world.clock.now()
    const review = { id: `${number}`, author, state, body: `request ${number}`, sha: change.head, at, dismissed: false }
    change.reviews.push(review)
    return review
  }

  /** Adds a comment to the reviewer's unresolved thread, or begins a thread. */
  #comment(change: SimulatedChange, author: string): void {
    const number = ++this.#requests
    const comment = { id: `${number}`, body: `request ${number}`, at: this.#world.clock.now() }
    const thread = change.threads.find((each) => each.author === author && !each.resolved)
    if (thread === undefined) change.threads.push({ id: `${number}`, author, sha: change.head, comments: [comment], resolved: false })
    else thread.comments.push(comment)
  }

  #startChecks(change: SimulatedChange): void {
    const { clock, seed } = this.#world
    const head = change.head
    const random = drawn(seed, `${head} checks`)
    for (const name of ['unit', 'lint']) {
      const started = reportCheck(change, { name, state: 'pending', since: clock.now(), flaky: false })
      const state = change.pushes > 1 && random() < again ? 'failed' : 'passed'
      clock.at(clock.now() + checkTime * (0.5 + random()), () => {
        // A fault may have set another result.
        if (change.head === head && headChecks(change).includes(started))
          reportCheck(change, { name, state, since: clock.now(), flaky: false })
      })
    }
  }

  #lookIn(change: SimulatedChange, ms: number): void {
    const { clock } = this.#world
    clock.at(clock.now() + ms, () => void this.#look(change))
  }

  /** Lets people look at a change. They answer pushes, merge or approve a clean change, and finish a change that burn escalated. */
  async #look(change: SimulatedChange): Promise<void> {
    const { forge, clock, merges, isLive } = this.#world
    const isOrphan = !(await isLive(change.id)) || !forge.isOpen(change.issue)
    if (change.state !== 'open') return
    if (isOrphan || forge.labelled.has(change.issue) || change.pushed.login !== fleetLogin) return this.#finish(change)
    for (const login of asking(change)) this.#answer(change, login)
    this.#restartChecks(change, clock.now())
    const isClean = change.conflict === 'none' && asking(change).size === 0 && headChecks(change).every(({ state }) => state === 'passed')
    if (isClean && !merges(repoOf(change.issue))) return this.#finish(change)
    if (
      isClean &&
      !change.reviews.some(({ state, sha, author }) => state === 'approved' && hasSameWork(change, sha) && author !== stranger)
    ) {
      this.#write(change, reviewers[0] ?? '', 'approved')
      forge.touch(change)
    }
    this.#lookIn(change, lookInterval)
  }

  /** A reviewer looks at the work of an agent after the request: the reviewer is content, or asks again. */
  #answer(change: SimulatedChange, login: string): void {
    const { seed, forge } = this.#world
    const comments = change.threads.flatMap((thread) => (thread.author === login ? thread.comments : []))
    const asked = [...change.reviews.filter(({ author }) => author === login), ...comments].map(({ at }) => at)
    if (Math.max(...asked) >= change.fixed) return
    for (const thread of change.threads) if (thread.author === login) thread.resolved = true
    const asksAgain = drawn(seed, `${change.head} ${login}`)() < again
    this.#write(change, login, asksAgain ? 'changes_requested' : 'approved')
    if (asksAgain) this.#comment(change, login)
    forge.touch(change)
  }

  #restartChecks(change: SimulatedChange, now: Time): void {
    for (const { name, state, since } of headChecks(change))
      if (state === 'pending' && now - since > patience) reportCheck(change, { name, state: 'passed', since: now, flaky: false })
  }

  /** A person merges the change or closes it. */
  #finish(change: SimulatedChange): void {
    const { forge, seed, habits } = this.#world
    const isMerged = forge.isOpen(change.issue) && drawn(seed, `${change.id} merged`)() < habits.merged
    forge.labelled.delete(change.issue)
    forge.endChange(change, isMerged ? 'merged' : 'closed')
    if (isMerged) this.#world.merged()
  }
}
