/** The content of the stand-in forge: repos, issues, pull requests and comments, in memory. */
import { join } from 'node:path'
import { newPull, type BranchRule, type PullRow, type RepoChecks } from './change-rows.ts'
import { isDraft } from './json.ts'

/** An issue to add. */
export interface IssueSeed {
  readonly number?: number
  readonly title: string
  readonly body?: string
  readonly labels?: readonly string[]
  readonly assignees?: readonly string[]
  readonly author?: string
  readonly original_author?: string
  readonly state?: 'open' | 'closed'
  readonly created_at?: string
  readonly updated_at?: string
  /** The due date of the milestone. */
  readonly due?: string
}

/** A pull request to add. */
export interface PullSeed {
  readonly title: string
  readonly body?: string
  readonly branch: string
  readonly author?: string
  /** `owner/name` of the repo that has the branch; by default the repo itself. */
  readonly from?: string
  readonly base?: string
}

/** A team of an organisation. `permission` is what Gitea reports of its members, and `code` is their right to push. */
export interface TeamSeed {
  readonly name: string
  readonly permission: 'none' | 'read' | 'write' | 'admin' | 'owner'
  readonly code?: 'none' | 'read' | 'write'
}

/** A repo to add, with its issues. */
export interface RepoSeed {
  /** `owner/name` */
  readonly name: string
  /** Logins that may write, beside the owner. */
  readonly writers?: readonly string[]
  /** Logins that may be assigned but only read, such as members of an organisation's team. */
  readonly readers?: readonly string[]
  /** Teams with access, if the owner is an organisation. Their members are `writers` or `readers`. */
  readonly teams?: readonly TeamSeed[]
  readonly archived?: boolean
  /** False if issues are disabled in the repo's settings. */
  readonly has_issues?: boolean
  /** False if pull requests are disabled in the repo's settings. */
  readonly has_pull_requests?: boolean
  /** The default branch; `main` by default. */
  readonly default_branch?: string
  readonly issues?: readonly IssueSeed[]
}

/** A stored comment. `reactions` has a line `login content` for each reaction. */
export interface CommentRow {
  readonly reactions: Set<string>
  readonly id: number
  readonly author: string
  readonly created: number
  body: string
  updated: number
}

/** Times in seconds, as Gitea keeps them. */
export interface IssueRow {
  readonly id: number
  readonly number: number
  readonly author: string
  readonly original_author: string
  readonly created: number
  readonly comments: CommentRow[]
  readonly pull: PullRow | null
  /** The issues and pull requests that block this one. */
  readonly blockers: { readonly repo: string; readonly number: number }[]
  title: string
  body: string
  /** The due date of the milestone. As on Gitea, a new date does not change `updated`. */
  due: string | null
  labels: string[]
  assignees: string[]
  state: 'open' | 'closed'
  updated: number
  closed: number | null
}

/** A stored repo. */
export interface RepoRow {
  readonly id: number
  readonly owner: string
  name: string
  archived: boolean
  has_issues: boolean
  has_pull_requests: boolean
  default_branch: string
  readonly writers: Set<string>
  readonly readers: Set<string>
  /** Null if the owner is a person. */
  readonly teams: readonly TeamSeed[] | null
  /** Issues and pull requests by number. They share their numbers. */
  readonly items: Map<number, IssueRow>
  /** Labels that a request created. */
  readonly labels: Set<string>
  readonly ci: RepoChecks
  /** The rules of protected branches, by the name of the branch. */
  readonly rules: Map<string, BranchRule>
  /** The settings of the repo that differ from Gitea's defaults, such as `allow_squash_merge`. */
  readonly settings: Record<string, boolean | string>
}

const toSeconds = (ms: number) => Math.floor(ms / 1000)
const secondsOf = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : toSeconds(Date.parse(text)))

/** Everything on the forge. Every change gets the time of the clock, as on the real one. */
export class ForgeState {
  readonly repos = new Map<string, RepoRow>()
  /** The logins that each account has blocked. */
  readonly blocked = new Map<string, Set<string>>()
  /** The new name of each renamed repo, by its old name. */
  readonly renamed = new Map<string, string>()
  /** The folder of the bare repositories; null if there is none. */
  readonly gitRoot: string | null
  readonly #now: () => number
  #lastId = 0

  constructor(now: () => number, gitRoot: string | null = null) {
    this.#now = now
    this.gitRoot = gitRoot
  }

  /** The id of the newest object. */
  get lastId(): number {
    return this.#lastId
  }

  /** Returns the id of a new object. */
  nextId(): number {
    return ++this.#lastId
  }

  /** Returns the time (s). */
  seconds(): number {
    return toSeconds(this.#now())
  }

  /** Returns the path of a repo's bare repository, which need not exist; null without `gitRoot`. */
  bareOf(name: string): string | null {
    return this.gitRoot === null ? null : join(this.gitRoot, `${name}.git`)
  }

  addRepo({ name: full, writers = [], readers = [], teams, issues = [], ...settings }: RepoSeed): RepoRow {
    const [owner = '', name = ''] = full.split('/')
    const repo: RepoRow = {
      id: ++this.#lastId,
      owner,
      name,
      archived: settings.archived ?? false,
      has_issues: settings.has_issues ?? true,
      has_pull_requests: settings.has_pull_requests ?? true,
      default_branch: settings.default_branch ?? 'main',
      writers: new Set([owner, ...writers]),
      readers: new Set(readers),
      teams: teams ?? null,
      items: new Map(),
      labels: new Set(),
      ci: { statuses: new Map(), runs: [] },
      rules: new Map(),
      settings: {},
    }
    this.repos.set(full.toLowerCase(), repo)
    for (const issue of issues) this.addIssue(full, issue)
    return repo
  }

  /** Returns a repo. Throws if there is none. */
  repo(name: string): RepoRow {
    const repo = this.repos.get(name.toLowerCase())
    if (repo === undefined) throw new Error(`the stand-in has no repo ${name}`)
    return repo
  }

  /** Returns an issue. Throws if there is none. */
  issue(name: string, number: number): IssueRow {
    const issue = this.repo(name).items.get(number)
    if (issue === undefined) throw new Error(`the stand-in has no ${name}#${number}`)
    return issue
  }

  addIssue(name: string, seed: IssueSeed): IssueRow {
    const repo = this.repo(name)
    const now = toSeconds(this.#now())
    const created = secondsOf(seed.created_at, now)
    const updated = secondsOf(seed.updated_at, Math.max(created, seed.created_at === undefined ? now : created))
    return this.#add(repo, { ...seed, author: seed.author ?? repo.owner, number: seed.number, created, updated, pull: null })
  }

  addPull(name: string, seed: PullSeed): IssueRow {
    const repo = this.repo(name)
    const now = toSeconds(this.#now())
    const pull = newPull(seed.branch, seed.from ?? name, seed.base ?? 'main')
    return this.#add(repo, { ...seed, author: seed.author ?? repo.owner, number: undefined, created: now, updated: now, pull })
  }

  #add(
    repo: RepoRow,
    seed: Omit<IssueSeed, 'number'> & {
      author: string
      number: number | undefined
      created: number
      updated: number
      pull: IssueRow['pull']
    },
  ): IssueRow {
    const { title, body = '', author, original_author = '', created, updated, pull, state = 'open' } = seed
    const row: IssueRow = {
      id: ++this.#lastId,
      number: seed.number ?? Math.max(0, ...repo.items.keys()) + 1,
      author,
      original_author,
      created,
      updated,
      pull,
      due: seed.due ?? null,
      title,
      body,
      state,
      labels: [...(seed.labels ?? [])],
      assignees: [...(seed.assignees ?? [])],
      closed: state === 'closed' ? updated : null,
      comments: [],
      blockers: [],
    }
    repo.items.set(row.number, row)
    return row
  }

  addComment(name: string, number: number, author: string, body: string): CommentRow {
    const issue = this.issue(name, number)
    const now = toSeconds(this.#now())
    const comment = { id: ++this.#lastId, author, body, created: now, updated: now, reactions: new Set<string>() }
    issue.comments.push(comment)
    issue.updated = now
    return comment
  }

  edit(name: string, number: number, change: Partial<Pick<IssueRow, 'title' | 'body' | 'state' | 'labels' | 'assignees'>>): IssueRow {
    const issue = Object.assign(this.issue(name, number), change)
    issue.updated = toSeconds(this.#now())
    issue.closed = issue.state === 'open' ? null : (issue.closed ?? issue.updated)
    return issue
  }

  /** Renames a label of a repo, or deletes it if `to` is null. As on Gitea, this is no update of the issues. */
  renameLabel(name: string, from: string, to: string | null): void {
    for (const issue of this.repo(name).items.values())
      issue.labels = issue.labels.flatMap((label) => (label === from ? (to ?? []) : label))
  }

  remove(name: string, number: number): void {
    this.repo(name).items.delete(number)
  }

  /** Blocks `login` from commenting on what `by` opened. */
  block(by: string, login: string): void {
    this.blocked.set(by, (this.blocked.get(by) ?? new Set()).add(login))
  }

  close(name: string, number: number): IssueRow {
    return this.edit(name, number, { state: 'closed' })
  }

  merge(name: string, number: number): IssueRow {
    const { pull, title } = this.issue(name, number)
    if (pull === null) throw new Error(`${name}#${number} is not a pull request`)
    if (isDraft(title)) throw new Error(`${name}#${number} is a draft, which Gitea does not merge`)
    pull.merged = true
    return this.close(name, number)
  }

  rename(from: string, to: string): void {
    const repo = this.repo(from)
    this.repos.delete(from.toLowerCase())
    repo.name = to.slice(to.indexOf('/') + 1)
    this.repos.set(to.toLowerCase(), repo)
    this.renamed.set(from.toLowerCase(), to)
  }

  editComment(comment: CommentRow, body: string): void {
    comment.body = body
    comment.updated = toSeconds(this.#now())
  }
}
