/** The requests of burn about changes and blockers to a simulated forge. Without faults of changes, all changes are quiet. */
import type {
  Blocker,
  ChangeRef,
  ChangeState,
  Check,
  LogTail,
  MergeRequest,
  MergeResult,
  Protection,
  RerunResult,
  Unknown,
  UpdateResult,
} from '../core/change-state.ts'
import type { Change, Comment, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { Clock, CommentPage } from '../core/ports.ts'
import { needsPersonLabel } from '../core/change-stages.ts'
import { repoOf } from '../core/refs.ts'
import { fleetLogin, pushTo, reportCheck, stateOf, toCheck, type SimulatedChange, type SimulatedMerge } from './changes.ts'
import { FixedAnswers, quietState } from './forge-answers.ts'

/** An issue that blocks another one. */
export interface SimulatedBlocker {
  readonly ref: IssueRef
  /** The time when a person declared it. */
  readonly since: Time
}

/** The part of a simulated forge that answers requests about changes and blockers. */
export abstract class ChangeAnswers extends FixedAnswers {
  /** The changes of agents, by dispatch. It stays empty if the simulation has no faults of changes. */
  readonly reviewed = new Map<string, SimulatedChange>()
  /** The blockers of issues, open and closed. */
  readonly blocked = new Map<IssueRef, SimulatedBlocker[]>()
  /** The labels that burn added to issues. */
  readonly labelled = new Map<IssueRef, string>()
  /** Called for each merge by burn, before it takes place. */
  onMerge: (merge: SimulatedMerge) => void = () => {}
  /** Called when burn calls a person for an issue. */
  onEscalation: (issue: IssueRef) => void = () => {}
  /** Called after burn read a change. */
  onRead: (change: SimulatedChange) => void = () => {}
  /** Called after a push by burn. */
  onPush: (change: SimulatedChange) => void = () => {}
  readonly #bases = new Map<RepoRef, number>()
  protected abstract readonly clock: Clock

  /** Ends a write. Throws BurnError `forge_timeout` if the answer to the write is lost. */
  protected abstract answer(): void
  abstract isOpen(ref: IssueRef): boolean
  abstract change(issue: IssueRef, dispatch: string, state: Change['state']): void
  abstract close(ref: IssueRef): void

  /** Returns the facts of a change. `listed`: the change in the listing of the forge. */
  protected readChange(ref: ChangeRef, listed: Change): ChangeState {
    const facts = this.reviewed.get(nameOf(ref))
    if (facts === undefined) return quietState(ref, listed)
    const state = stateOf(ref, facts, listed, this.baseOf(repoOf(facts.issue)))
    this.onRead(facts)
    return state
  }

  /** Adds a label to an issue. */
  protected label(ref: IssueRef, label: string): void {
    if (label === needsPersonLabel) this.onEscalation(ref)
    this.labelled.set(ref, label)
  }

  /** Returns the commit of the base branch. */
  baseOf(repo: RepoRef): string {
    return `base-${this.#bases.get(repo) ?? 0}`
  }

  /** Ends a change. A merge moves the base branch and closes the issue. */
  endChange(change: SimulatedChange, state: 'merged' | 'closed'): void {
    const repo = repoOf(change.issue)
    change.state = state
    change.updated = this.clock.now()
    this.change(change.issue, change.id, state)
    if (state === 'closed') return
    this.#bases.set(repo, (this.#bases.get(repo) ?? 0) + 1)
    if (this.isOpen(change.issue)) this.close(change.issue)
  }

  /** Lists a change as updated. */
  touch(change: SimulatedChange): void {
    change.updated = this.clock.now()
    this.change(change.issue, change.id, change.state)
  }

  /** No person writes comments in a simulation, and burn ignores its own. */
  async repoComments(): Promise<CommentPage> {
    this.ask()
    return { comments: [], asked_at: this.clock.now() }
  }

  async changedPaths(): Promise<readonly string[]> {
    this.ask()
    return ['a.ts']
  }

  async checks(_: RepoRef, sha: string): Promise<readonly Check[]> {
    this.ask()
    const change = this.reviewed.get(sha.slice(0, sha.lastIndexOf('-')))
    return (change?.checks ?? []).filter((check) => check.sha === sha).map(toCheck)
  }

  async logTail(_: RepoRef, { name }: Check): Promise<LogTail | Unknown> {
    this.ask()
    return { text: `${name} is red`, truncated: false }
  }

  async rerun(_: RepoRef, { job }: Check): Promise<RerunResult> {
    this.ask()
    const change = this.reviewed.get((job?.run ?? '').split('-')[0] ?? '')
    if (change === undefined || job === null || change.head !== job.run) return { result: 'not_possible', why: 'the run is gone' }
    reportCheck(change, { name: job.id, state: 'passed', since: this.clock.now(), flaky: false })
    this.answer()
    return { result: 'started' }
  }

  async protection(repo: RepoRef, base: string): Promise<Protection | null> {
    this.ask()
    const rules = { required_checks: [], required_approvals: 0, may_merge: this.reviewed.size > 0, may_rebase: false, delete_branch: true }
    return { base, base_sha: this.baseOf(repo), methods: ['merge'], ...rules }
  }

  async merge(ref: ChangeRef, { sha }: MergeRequest): Promise<MergeResult> {
    this.ask()
    const change = this.reviewed.get(nameOf(ref))
    if (change === undefined) return { result: 'not_allowed', why: 'only people merge this change' }
    if (change.state !== 'open') return { result: 'ended', why: `the change is ${change.state}` }
    if (change.head !== sha) return { result: 'head_moved', why: `the head is ${change.head}` }
    if (change.conflict !== 'none') return { result: 'not_mergeable', why: 'the change has a conflict' }
    this.onMerge({ change, sha, at: this.clock.now() })
    this.endChange(change, 'merged')
    this.answer()
    return { result: 'merged' }
  }

  async updateBranch(ref: ChangeRef, sha: string): Promise<UpdateResult> {
    this.ask()
    const change = this.reviewed.get(nameOf(ref))
    if (change === undefined || change.state !== 'open') return { result: 'ended', why: 'the change is not open' }
    if (change.head !== sha) return { result: 'head_moved', why: `the head is ${change.head}` }
    if (change.conflict !== 'none') return { result: 'not_mergeable', why: 'the update has a conflict' }
    const base = this.baseOf(repoOf(change.issue))
    if (change.base === base) return { result: 'up_to_date' }
    this.pushed(change, fleetLogin)
    change.merged.set(change.head, sha)
    this.answer()
    return { result: 'updated', sha: change.head }
  }

  /** Lets git merge the base into a change. Returns null if it did, or the conflict. */
  async resolveByGit(ref: ChangeRef, sha: string): Promise<string | null> {
    this.ask()
    const change = this.reviewed.get(nameOf(ref))
    if (change === undefined || change.state !== 'open' || change.head !== sha) return 'the branch has moved'
    if (change.conflict === 'for_agent') return `CONFLICT (content) at ${sha}`
    change.conflict = 'none'
    this.pushed(change, fleetLogin)
    return null
  }

  /** Pushes the base and the work of an account to the branch of a change. */
  pushed(change: SimulatedChange, login: string): void {
    pushTo(change, login, this.baseOf(repoOf(change.issue)), this.clock.now())
    this.touch(change)
    this.onPush(change)
  }

  async blockers(ref: IssueRef): Promise<readonly Blocker[]> {
    this.ask()
    return this.blockersOf(ref).map((blocker) => {
      return { ref: blocker.ref, title: '', state: blocker.open ? 'open' : 'closed', url: null }
    })
  }

  /** Returns the blockers of an issue. Works during an outage. */
  blockersOf(ref: IssueRef): readonly (SimulatedBlocker & { readonly open: boolean })[] {
    return (this.blocked.get(ref) ?? []).map((blocker) => ({ ...blocker, open: this.isOpen(blocker.ref) }))
  }

  /** Whether an open issue blocks an issue. Works during an outage. */
  isBlocked(ref: IssueRef): boolean {
    return this.blockersOf(ref).some(({ open }) => open)
  }

  /** Forgets the blockers of an issue that an agent has, unless one is still open. */
  given(ref: IssueRef): void {
    if (!this.isBlocked(ref)) this.blocked.delete(ref)
  }

  /** Returns the number of open issues that wait for an open blocker; null if one waits no longer. Works during an outage. */
  waitingForBlockers(): number | null {
    const open = [...this.blocked.keys()].filter((ref) => this.isOpen(ref))
    return open.every((ref) => this.isBlocked(ref)) ? open.length : null
  }

  /** Returns the comments on a change; null for a reference of an issue. */
  protected commentsOnChange(ref: string): Comment[] | null {
    return this.reviewed.get(nameOf(ref))?.comments ?? null
  }

  /** Writes a comment on a change; null for a reference of an issue. */
  protected commentOnChange(ref: string, body: string): Comment | null {
    const comments = this.commentsOnChange(ref)
    if (comments === null) return null
    const comment = { id: `${comments.length + 1}`, author: fleetLogin, body, created_at: this.clock.now() }
    comments.push(comment)
    this.answer()
    return comment
  }

  /** Replaces the text of a comment on a change. Returns false if there is no such comment. */
  protected editOnChange(ref: string, id: string, body: string): boolean {
    const comments = this.commentsOnChange(ref) ?? []
    const at = comments.findIndex((comment) => comment.id === id)
    const before = comments[at]
    if (before === undefined) return false
    comments[at] = { ...before, body }
    this.answer()
    return true
  }
}

/** Returns the name of a change, which is the id of its dispatch. */
export const nameOf = (ref: string) => ref.slice(ref.lastIndexOf('!') + 1)
