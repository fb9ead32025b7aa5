/** What people and CI do on the stand-in without its API: reviews, pushes and checks. */
import type { ServedFile } from './calls.ts'
import type { JobRow, LineRow, PullRow, ReviewRow, StatusRow } from './change-rows.ts'
import type { ForgeState } from './state.ts'
import { fakeSha } from './change-rows.ts'
import { branchIn, moveBranch } from './git.ts'

/** Returns the pull request of a change. Throws if there is none. */
function pullOf(state: ForgeState, repo: string, number: number): PullRow {
  const { pull } = state.issue(repo, number)
  if (pull === null) throw new Error(`${repo}#${number} is not a pull request`)
  return pull
}

/** Returns the head of a pull request: its branch in the bare repository, or the last known commit. */
export function headOf(state: ForgeState, { branch, from, sha }: PullRow): string {
  const bare = state.bareOf(from)
  return (bare === null ? null : branchIn(bare, branch)) ?? sha
}

/** Returns true if a review of a commit is stale. As on Gitea, a merge of the base does not change the work, so reviews stay valid. */
export function isStale(state: ForgeState, pull: PullRow, commit: string): boolean {
  let current: string | undefined = headOf(state, pull)
  while (current !== undefined && current !== commit) current = pull.updates.get(current)
  return current !== commit
}

/** A review to add. A line comment answers an earlier one if it is on the same line. */
export interface ReviewSeed {
  readonly author: string
  readonly state: ReviewRow['state']
  readonly body?: string
  readonly lines?: readonly (Pick<LineRow, 'path' | 'line' | 'body'> & Partial<LineRow>)[]
}

/** Adds a review of the present head. */
export function review(state: ForgeState, repo: string, number: number, { author, body = '', lines = [], ...seed }: ReviewSeed): ReviewRow {
  const pull = pullOf(state, repo, number)
  const created = state.seconds()
  const row: ReviewRow = {
    id: state.nextId(),
    author,
    state: seed.state,
    body,
    commit: headOf(state, pull),
    official: state.repo(repo).writers.has(author),
    created,
    dismissed: false,
    lines: lines.map((line) => ({
      id: state.nextId(),
      author,
      deleted: false,
      hunk: `@@ -1 +1 @@\n+${line.path}`,
      created,
      resolver: null,
      ...line,
    })),
  }
  const isDecisive = (each: ReviewRow) => each.state === 'APPROVED' || each.state === 'REQUEST_CHANGES'
  // As on Gitea, a later decision replaces the earlier ones of the same person.
  if (isDecisive(row))
    for (const each of pull.reviews)
      if (each.author === author && isDecisive(each)) Object.assign(each, { dismissed: true, official: false })
  pull.reviews.push(row)
  state.edit(repo, number, {})
  return row
}

/** Records that somebody pushed to the branch of a pull request. Without a bare repository, it also makes a new head. */
export function push(state: ForgeState, repo: string, number: number, login: string): string {
  const pull = pullOf(state, repo, number)
  if (state.bareOf(pull.from) === null) pull.sha = fakeSha(`${pull.branch} ${pull.pushes.length + 1}`)
  const sha = headOf(state, pull)
  pull.pushes.push({ id: state.nextId(), login, at: state.seconds(), commits: [sha] })
  state.edit(repo, number, {})
  return sha
}

/** Replaces the base of a pull request. As on Gitea, reviews stay valid, and one push by this person replaces all pushes. */
export function setBase(state: ForgeState, repo: string, number: number, base: string, login = state.repo(repo).owner): void {
  const pull = pullOf(state, repo, number)
  pull.base = base
  pull.bases.push({ id: state.nextId(), login, at: state.seconds() })
  pull.pushes.splice(0, Infinity, { id: state.nextId(), login, at: state.seconds(), commits: [headOf(state, pull)] })
  state.edit(repo, number, {})
}

/**
 * Deletes a branch, and closes the pull requests from this branch. Gitea 1.25 gives those into it the default branch as base, and Forgejo
 * closes them.
 */
export function deleteBranch(state: ForgeState, repo: string, branch: string, isForgejo = false): void {
  const { items, default_branch } = state.repo(repo)
  for (const { number, pull, state: now } of items.values()) {
    if (pull === null || now === 'closed') continue
    if (pull.base !== branch ? pull.branch === branch && pull.from === repo : isForgejo) {
      pull.sha = headOf(state, pull)
      state.close(repo, number)
    } else if (pull.base === branch) setBase(state, repo, number, default_branch)
  }
  const bare = state.bareOf(repo)
  if (bare !== null) moveBranch(bare, branch, null)
}

/** Adds a status of a commit. As on Gitea, it replaces earlier ones of the same context. */
export function report(
  state: ForgeState,
  repo: string,
  sha: string,
  status: Pick<StatusRow, 'context' | 'state'> & Partial<StatusRow>,
): StatusRow {
  const { statuses } = state.repo(repo).ci
  const row = { target_url: '', description: '', ...status, id: state.nextId(), created: state.seconds() }
  statuses.set(sha, [...(statuses.get(sha) ?? []), row])
  return row
}

/** Adds a run of a workflow with one job, and its status. The run's number differs from its id. */
export function run(
  state: ForgeState,
  repo: string,
  sha: string,
  {
    name,
    conclusion,
    log,
    ids,
  }: { readonly name: string; readonly log: ServedFile | null; readonly ids: boolean } & Pick<JobRow, 'conclusion'>,
): JobRow {
  const { runs } = state.repo(repo).ci
  const job: JobRow = { id: state.nextId(), name, conclusion, log }
  const row = { id: state.nextId(), number: runs.length + 1, sha, jobs: [job] }
  runs.push(row)
  report(state, repo, sha, {
    context: `ci.yml / ${name} (pull_request)`,
    state: conclusion === 'success' ? 'success' : conclusion === null ? 'pending' : 'failure',
    description: conclusion === 'cancelled' ? 'Has been cancelled' : `Failing after 2s`,
    target_url: `/${repo}/actions/runs/${ids ? `${row.id}/jobs/${job.id}` : `${row.number}/jobs/0`}`,
  })
  return job
}

/** Returns a log of lines that all have the same length, of any size. */
export function logOf(size: number): ServedFile {
  const width = 64
  const line = (n: number) => `${`line ${n} `.padEnd(width - 1, '.')}\n`
  return {
    size,
    part(from, to) {
      const first = Math.floor(from / width)
      const text = Array.from({ length: Math.ceil(to / width) - first }, (_, index) => line(first + index)).join('')
      return Buffer.from(text).subarray(from - first * width, to - first * width)
    },
  }
}

/** Returns a short text as a file. */
export function fileOf(text: string): ServedFile {
  const bytes = Buffer.from(text)
  return { size: bytes.length, part: (from, to) => bytes.subarray(from, to) }
}
