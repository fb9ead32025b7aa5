/** A forge in memory: issues, comments and changes, and the hours in which it does not answer. */
import type { Change, Comment, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, Clock, Forge, IssuePage, NewChange } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'

interface Repo {
  readonly issues: Map<number, Issue>
  /** Numbers of issues in the order in which they changed; a cursor is a place in it. */
  readonly changed: number[]
  readonly changes: { readonly at: Time; readonly change: Change }[]
}

/** A comment of the fleet's, its text as bytes: a million strings that were put together would hold their pieces, in a heap that is cleared all the time. */
interface Kept {
  readonly id: string
  readonly created_at: Time
  body: Buffer
}

/** What goes wrong: asked before each request. */
export interface ForgeTrouble {
  /** It can't be reached now. */
  down(): boolean
  /** This write is done, and its answer is lost. */
  loses(): boolean
}

export const fleetLogin = 'burn'

export class SimulatedForge implements Forge {
  readonly kind = 'simulated'
  readonly #repos = new Map<RepoRef, Repo>()
  readonly #comments = new Map<IssueRef, Kept[]>()
  readonly #clock: Clock
  readonly #trouble: ForgeTrouble
  readonly #writers: readonly string[]
  #asked = 0

  constructor(issues: readonly Issue[], repos: readonly RepoRef[], clock: Clock, trouble: ForgeTrouble) {
    this.#clock = clock
    this.#trouble = trouble
    this.#writers = [...new Set([fleetLogin, ...issues.map(({ author }) => author)])]
    for (const repo of repos) this.#repos.set(repo, { issues: new Map(), changed: [], changes: [] })
    for (const issue of issues) {
      const repo = this.#repos.get(issue.repo)
      repo?.issues.set(issue.number, issue)
      repo?.changed.push(issue.number)
    }
  }

  async issues(ref: RepoRef, cursor: string | null): Promise<IssuePage> {
    this.#ask()
    const { issues, changed } = this.#repo(ref)
    const numbers = cursor === null ? issues.keys() : new Set(changed.slice(Number(cursor)))
    const page = Array.from(numbers, (number) => issues.get(number) as Issue)
    const found = cursor === null ? page.filter(({ state }) => state === 'open') : page
    return { issues: found, skipped: [], cursor: String(changed.length), complete: cursor === null }
  }

  async issue(ref: IssueRef): Promise<Issue | null> {
    this.#ask()
    return this.#find(ref)
  }

  async writers(): Promise<readonly string[]> {
    this.#ask()
    return this.#writers
  }

  async comments(ref: IssueRef): Promise<readonly Comment[]> {
    this.#ask()
    return this.commentsOn(ref)
  }

  async comment(ref: IssueRef, body: string): Promise<Comment> {
    this.#ask()
    const now = this.#clock.now()
    const comment = { id: String(++this.#seq), body: Buffer.from(body), created_at: now }
    const before = this.#comments.get(ref)
    if (before === undefined) this.#comments.set(ref, [comment])
    else before.push(comment)
    const issue = this.#find(ref)
    if (issue !== null) this.#put({ ...issue, comments: issue.comments + 1 })
    this.#answer()
    return toComment(comment)
  }
  #seq = 0

  async editComment(ref: IssueRef, id: string, body: string): Promise<void> {
    this.#ask()
    const comment = this.#comments.get(ref)?.find((each) => each.id === id)
    if (comment === undefined) throw new BurnError('forge_not_found', `${ref} has no comment ${id}`, 'is it deleted?')
    comment.body = Buffer.from(body)
    this.#answer()
  }

  async changes(ref: RepoRef, since: Time): Promise<ChangePage> {
    this.#ask()
    const { changes } = this.#repo(ref)
    let from = changes.length
    while (from > 0 && (changes[from - 1]?.at ?? 0) >= since) from--
    const latest = new Map(changes.slice(from).map(({ change }) => [change.dispatch_id, change]))
    return { changes: [...latest.values()], asked_at: this.#clock.now() }
  }

  async openChange(ref: RepoRef, { branch, issue }: NewChange): Promise<Change> {
    this.#ask()
    const dispatch_id = branch.replace(/^burn\//, '')
    if (this.#newest(ref, branch)?.state === 'open')
      throw new BurnError('forge_conflict', `there is an open change from ${branch} already`, 'look for it')
    this.change(issue, { dispatch_id, url: `simulated:${ref}/${dispatch_id}`, state: 'open' })
    this.#answer()
    return this.#newest(ref, branch) as Change
  }

  async changeOf(ref: RepoRef, branch: string): Promise<Change | null> {
    this.#ask()
    return this.#newest(ref, branch)
  }

  async whoami(): Promise<{ readonly login: string }> {
    this.#ask()
    return { login: fleetLogin }
  }

  async rights(): Promise<{ readonly exists: boolean; readonly write: boolean }> {
    this.#ask()
    return { exists: true, write: true }
  }

  access(repo: RepoRef): ReturnType<Forge['access']> {
    return { clone_url: `simulated:${repo}`, api_url: 'simulated:', open_change: '' }
  }

  requests(): number {
    return this.#asked
  }

  /** As it is, however the network is. */
  commentsOn(ref: IssueRef): readonly Comment[] {
    return this.#comments.get(ref)?.map(toComment) ?? []
  }

  isOpen(ref: IssueRef): boolean {
    return this.#find(ref)?.state === 'open'
  }

  /** What agents and people do there. */
  change(issue: IssueRef, change: Omit<Change, 'author'>): void {
    this.#repo(repoOf(issue)).changes.push({ at: this.#clock.now(), change: { ...change, author: fleetLogin } })
  }

  close(ref: IssueRef): void {
    const issue = this.#find(ref)
    if (issue !== null) this.#put({ ...issue, state: 'closed' })
  }

  #newest(ref: RepoRef, branch: string): Change | null {
    return this.#repo(ref).changes.findLast(({ change }) => branch === `burn/${change.dispatch_id}`)?.change ?? null
  }

  #put(issue: Issue): void {
    const repo = this.#repo(issue.repo)
    repo.issues.set(issue.number, { ...issue, updated_at: this.#clock.now() })
    repo.changed.push(issue.number)
  }

  #find(ref: IssueRef): Issue | null {
    return this.#repo(repoOf(ref)).issues.get(Number(ref.slice(ref.lastIndexOf('#') + 1))) ?? null
  }

  #repo(ref: RepoRef): Repo {
    const repo = this.#repos.get(ref)
    if (repo === undefined) throw new BurnError('forge_not_found', `there is no repo ${ref}`, 'correct the spec')
    return repo
  }

  #ask(): void {
    this.#asked += 1
    if (this.#trouble.down()) throw new BurnError('forge_unavailable', "the forge can't be reached", 'it is simulated')
  }

  #answer(): void {
    if (this.#trouble.loses()) throw new BurnError('forge_timeout', 'the forge did not answer', 'it is simulated')
  }
}

function toComment({ id, created_at, body }: Kept): Comment {
  return { id, author: fleetLogin, body: body.toString(), created_at }
}
