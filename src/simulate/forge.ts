/** Simulates a forge in memory: issues, comments and changes, with outages. */
import type { ChangeRef, ChangeState } from '../core/change-state.ts'
import type { Change, Comment, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, Clock, Forge, IssuePage, NewChange } from '../core/ports.ts'
import { hasSameLogins } from '../core/assignees.ts'
import { BurnError } from '../core/errors.ts'
import { idLength, idPattern } from '../core/ids.ts'
import { repoOf } from '../core/refs.ts'
import { ChangeAnswers, nameOf } from './change-answers.ts'
import { fleetLogin, reviewers } from './changes.ts'
import { OffHeapTexts } from './off-heap-texts.ts'

interface Repo {
  /** The index of each issue in the list of issues, by number. */
  readonly issues: Map<number, number>
  /** The indexes of changed issues, in order of change. A cursor is a position in this list. */
  readonly changed: number[]
  readonly changes: { readonly at: Time[]; readonly dispatch: string[]; readonly state: Change['state'][]; readonly issue: number[] }
}

/** The current faults of the simulated forge. */
export interface ForgeTrouble {
  /** Whether the forge is unreachable now. */
  down(): boolean
  /** Whether the answer to the current write is lost. The forge carries out the write nevertheless. */
  loses(): boolean
}

/** A forge in memory. It stores the data that grows in arrays of numbers, because a million objects would slow down garbage collection. */
export class SimulatedForge extends ChangeAnswers implements Forge {
  readonly kind = 'simulated'
  readonly #repos = new Map<RepoRef, Repo>()
  readonly #issues: readonly Issue[]
  // Four arrays, indexed by issue: whether the issue is open, its last change, its number of comments, and the number of its last comment.
  readonly #open: boolean[]
  readonly #updated: Time[]
  readonly #commented: number[]
  readonly #last: number[]
  // Two arrays, indexed by comment: the number of the previous comment on the same issue, and the time of the comment.
  readonly #before: number[] = []
  readonly #created: Time[] = []
  readonly #bodies = new OffHeapTexts()
  /** The assignees of the issues whose assignees changed. */
  readonly #assignees = new Map<number, readonly string[]>()
  protected readonly clock: Clock
  readonly #trouble: ForgeTrouble
  readonly #writers: readonly string[]
  #requests = 0

  constructor(issues: readonly Issue[], repos: readonly RepoRef[], clock: Clock, trouble: ForgeTrouble) {
    super()
    this.clock = clock
    this.#trouble = trouble
    this.#issues = issues
    this.#open = issues.map(({ state }) => state === 'open')
    this.#updated = issues.map(({ updated_at }) => updated_at)
    this.#commented = issues.map(({ comments }) => comments)
    this.#last = issues.map(() => none)
    this.#writers = [...new Set([fleetLogin, ...reviewers, ...issues.map(({ author }) => author)])]
    for (const repo of repos)
      this.#repos.set(repo, { issues: new Map(), changed: [], changes: { at: [], dispatch: [], state: [], issue: [] } })
    for (const [place, { repo, number }] of issues.entries()) {
      this.#repos.get(repo)?.issues.set(number, place)
      this.#repos.get(repo)?.changed.push(place)
    }
  }

  async issues(ref: RepoRef, cursor: string | null): Promise<IssuePage> {
    this.ask()
    const { issues, changed, changes } = this.#repo(ref)
    const listed =
      cursor === null ? Array.from(issues.values()).filter((place) => this.#open[place]) : new Set(changed.slice(Number(cursor)))
    const found = Array.from(listed, (place) => this.#issue(place))
    return { issues: found, skipped: [], cursor: String(changed.length), complete: cursor === null, changed_at: changes.at.at(-1) ?? null }
  }

  async issue(ref: IssueRef): Promise<Issue | null> {
    this.ask()
    const place = this.#find(ref)
    return place === null ? null : this.#issue(place)
  }

  async writers(): Promise<readonly string[]> {
    this.ask()
    return this.#writers
  }

  async comments(ref: IssueRef): Promise<readonly Comment[]> {
    this.ask()
    return this.commentsOnChange(ref) ?? this.commentsOn(ref)
  }

  async comment(ref: IssueRef, body: string): Promise<Comment> {
    this.ask()
    const onChange = this.commentOnChange(ref, body)
    if (onChange !== null) return onChange
    const place = this.#existing(ref)
    const number = this.#bodies.add(body)
    this.#before[number] = this.#last[place] ?? none
    this.#created[number] = this.clock.now()
    this.#last[place] = number
    this.#commented[place] = (this.#commented[place] ?? 0) + 1
    this.#touch(place)
    this.answer()
    return this.#comment(number)
  }

  async addLabel(ref: IssueRef, label: string): Promise<void> {
    this.ask()
    this.label(ref, label)
    this.#touch(this.#existing(ref))
    this.answer()
  }

  async assign(ref: IssueRef, from: readonly string[], to: readonly string[]): Promise<boolean> {
    this.ask()
    const place = this.#existing(ref)
    const before = this.#issue(place).assignees
    if (!hasSameLogins(before, from)) return hasSameLogins(before, to)
    this.#assignees.set(place, to)
    this.#touch(place)
    this.answer()
    return true
  }

  async editComment(ref: IssueRef, id: string, body: string): Promise<void> {
    this.ask()
    if (this.editOnChange(ref, id, body)) return
    const number = this.#commentsOn(ref).find((each) => idOf(each) === id)
    if (number === undefined) throw new BurnError('forge_not_found', `${ref} has no comment ${id}`, 'somebody may have deleted it')
    this.#bodies.replace(number, body)
    this.answer()
  }

  async changes(ref: RepoRef, since: Time | null): Promise<ChangePage> {
    this.ask()
    const { at } = this.#repo(ref).changes
    const first = since ?? 0
    let from = at.length
    while (from > 0 && (at[from - 1] ?? 0) >= first) from--
    const latest = new Map<string, Change>()
    for (; from < at.length; from++) {
      const change = this.#change(ref, from)
      latest.set(change.url, change)
    }
    const changes = [...latest.values()].filter(({ state }) => since !== null || state === 'open')
    return { changes, asked_at: this.clock.now() }
  }

  async openChange(ref: RepoRef, { branch, issue }: NewChange): Promise<Change> {
    this.ask()
    const dispatch_id = branch.slice(-idLength)
    if (this.#newest(ref, branch)?.state === 'open')
      throw new BurnError('forge_conflict', `there is already an open change from ${branch}`, 'look it up')
    this.change(issue, dispatch_id, 'open')
    this.answer()
    return this.#newest(ref, branch)!
  }

  async changeState(ref: ChangeRef): Promise<ChangeState | null> {
    this.ask()
    const [repo = ''] = ref.split('!')
    const change = this.#newest(repo, nameOf(ref))
    return change === null ? null : this.readChange(ref, change)
  }

  async changeOf(ref: RepoRef, branch: string): Promise<Change | null> {
    this.ask()
    return this.#newest(ref, branch)
  }

  async whoami(): Promise<{ readonly login: string }> {
    this.ask()
    return { login: fleetLogin }
  }

  requests(): number {
    return this.#requests
  }

  /** Returns the comments of an issue, oldest first. Works during an outage. */
  commentsOn(ref: IssueRef): readonly Comment[] {
    return this.#commentsOn(ref).map((number) => this.#comment(number))
  }

  /** Returns the open issues. Works during an outage. */
  openRefs(): readonly IssueRef[] {
    return this.#issues.flatMap(({ ref }, place) => (this.#open[place] === true ? [ref] : []))
  }

  /** Whether an issue is open. Works during an outage. */
  isOpen(ref: IssueRef): boolean {
    const place = this.#find(ref)
    return place !== null && this.#open[place] === true
  }

  /**
   * Returns the forge's own copy of an issue's ref; '' if the forge has no such issue. A substring of a prompt would keep the whole prompt
   * in memory.
   */
  known(ref: string): IssueRef {
    const place = this.#find(ref)
    return place === null ? '' : (this.#issues[place]?.ref ?? '')
  }

  /** Opens a change for an issue, or changes the state of its open change. */
  change(issue: IssueRef, dispatch: string, state: Change['state']): void {
    const { changes } = this.#repo(repoOf(issue))
    changes.at.push(this.clock.now())
    changes.dispatch.push(dispatch)
    changes.state.push(state)
    changes.issue.push(this.#find(issue) ?? none)
  }

  /** Closes an issue. */
  close(ref: IssueRef): void {
    const place = this.#find(ref)
    if (place === null) return
    this.#open[place] = false
    this.#touch(place)
  }

  #newest(ref: RepoRef, branch: string): Change | null {
    const at = this.#repo(ref).changes.dispatch.findLastIndex((id) => branch.slice(-idLength) === id)
    return at === -1 ? null : this.#change(ref, at)
  }

  #change(ref: RepoRef, at: number): Change {
    const { dispatch, state, issue, at: times } = this.#repo(ref).changes
    const id = dispatch[at] ?? ''
    const closed = this.#issues[issue[at] ?? none]
    const facts = { state: state[at] ?? 'open', author: fleetLogin, fork: false, created_at: times[at] ?? 0 }
    return {
      dispatch_id: idPattern.test(id) ? id : null,
      name: id,
      url: `simulated:${id}`,
      ...facts,
      closes: closed === undefined ? [] : [closed.ref],
    }
  }

  #issue(place: number): Issue {
    const issue = this.#issues[place]!
    const state = this.#open[place] === true ? 'open' : 'closed'
    const assignees = this.#assignees.get(place) ?? issue.assignees
    const labels = [...issue.labels, ...(this.labelled.has(issue.ref) ? [this.labelled.get(issue.ref)!] : [])]
    return { ...issue, state, labels, assignees, updated_at: this.#updated[place] ?? 0, comments: this.#commented[place] ?? 0 }
  }

  /** Returns the numbers of the comments on an issue, oldest first. */
  #commentsOn(ref: IssueRef): number[] {
    const place = this.#find(ref)
    const found: number[] = []
    for (let number = place === null ? none : this.#last[place]; number !== undefined && number !== none; number = this.#before[number])
      found.push(number)
    return found.toReversed()
  }

  #comment(number: number): Comment {
    return { id: idOf(number), author: fleetLogin, body: this.#bodies.text(number), created_at: this.#created[number] ?? 0 }
  }

  #touch(place: number): void {
    this.#updated[place] = this.clock.now()
    this.#repo(this.#issues[place]!.repo).changed.push(place)
  }

  #find(ref: IssueRef): number | null {
    return this.#repos.get(repoOf(ref))?.issues.get(Number(ref.slice(ref.lastIndexOf('#') + 1))) ?? null
  }

  #existing(ref: IssueRef): number {
    const place = this.#find(ref)
    if (place !== null) return place
    throw new BurnError('forge_not_found', `there is no issue ${ref}`, 'somebody may have deleted it')
  }

  #repo(ref: RepoRef): Repo {
    const repo = this.#repos.get(ref)
    if (repo === undefined) throw new BurnError('forge_not_found', `there is no repo ${ref}`, 'correct the spec')
    return repo
  }

  /** Counts a request. Throws BurnError `forge_unavailable` during an outage. */
  protected ask(): void {
    this.#requests += 1
    if (this.#trouble.down()) throw new BurnError('forge_unavailable', "the forge can't be reached", 'this is a simulated fault')
  }

  /** Called at the end of each write. Throws BurnError `forge_timeout` if the answer to the write is lost. */
  protected answer(): void {
    if (this.#trouble.loses()) throw new BurnError('forge_timeout', 'the forge did not answer', 'this is a simulated fault')
  }
}

const none = -1
const idOf = (comment: number) => String(comment + 1)
