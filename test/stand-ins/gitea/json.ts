/** Turns rows into the JSON objects of Gitea's API. */
import type { PullRow, PushRow } from './change-rows.ts'
import type { CommentRow, IssueRow, RepoRow, TeamSeed } from './state.ts'

/** Returns a time as Gitea writes it. */
export const timeText = (seconds: number | null) => (seconds === null ? null : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'))

function idOf(login: string): number {
  let id = 0
  for (const char of login) id = (id * 31 + (char.codePointAt(0) ?? 0)) % 1_000_003
  return id + 1
}

/** Returns a label. */
export function labelJson(name: string) {
  return { id: idOf(name), name, color: '00aabb', description: '', exclusive: false, is_archived: false }
}

/** Returns a user. */
export function userJson(login: string, url: string) {
  return {
    id: idOf(login),
    login,
    full_name: '',
    email: `${login}@example.com`,
    html_url: `${url}/${login}`,
    is_admin: false,
    active: true,
  }
}

function mergeSettings({ settings }: RepoRow) {
  return {
    allow_merge_commits: settings['allow_merge_commits'] ?? true,
    allow_rebase: settings['allow_rebase'] ?? true,
    allow_rebase_explicit: settings['allow_rebase_explicit'] ?? true,
    allow_squash_merge: settings['allow_squash_merge'] ?? true,
    allow_fast_forward_only_merge: settings['allow_fast_forward_only_merge'] ?? false,
    allow_rebase_update: settings['allow_rebase_update'] ?? true,
    default_delete_branch_after_merge: settings['default_delete_branch_after_merge'] ?? false,
    default_merge_style: settings['default_merge_style'] ?? 'merge',
  }
}

/** Returns a repo, with the caller's rights. */
export function repoJson(repo: RepoRow, login: string, url: string) {
  const full_name = `${repo.owner}/${repo.name}`
  const write = repo.writers.has(login)
  return {
    id: repo.id,
    name: repo.name,
    full_name,
    owner: userJson(repo.owner, url),
    archived: repo.archived,
    has_issues: repo.has_issues,
    has_pull_requests: repo.has_pull_requests,
    default_branch: repo.default_branch,
    clone_url: `${url}/${full_name}.git`,
    html_url: `${url}/${full_name}`,
    permissions: { admin: login === repo.owner, push: write, pull: true },
    internal_tracker: { enable_issue_dependencies: repo.settings['dependencies'] !== false },
    ...mergeSettings(repo),
  }
}

/** Returns a team. */
export function teamJson({ name, permission, code = 'read' }: TeamSeed, id: number) {
  const units_map = { 'repo.code': code, 'repo.issues': 'read' }
  return { id, name, description: '', organization: null, permission, units: Object.keys(units_map), units_map }
}

/** Returns the milestone of an issue, which no other issue has; null if the issue has no due date. */
export function milestoneOf({ number, due }: IssueRow) {
  return due === null ? null : { id: number, title: 'next', state: 'open', due_on: due }
}

/** Returns the fields that issues and pull requests share. */
function common(repo: RepoRow, row: IssueRow, url: string) {
  return {
    id: row.id,
    number: row.number,
    title: row.title,
    body: row.body,
    user: userJson(row.author, url),
    labels: row.labels.map(labelJson),
    milestone: milestoneOf(row),
    assignee: row.assignees[0] === undefined ? null : userJson(row.assignees[0], url),
    // Gitea sends null if nobody is assigned.
    assignees: row.assignees.length === 0 ? null : row.assignees.map((login) => userJson(login, url)),
    state: row.state,
    is_locked: false,
    comments: row.comments.length,
    html_url: `${url}/${repo.owner}/${repo.name}/${row.pull === null ? 'issues' : 'pulls'}/${row.number}`,
    created_at: timeText(row.created),
    updated_at: timeText(row.updated),
    closed_at: timeText(row.closed),
    due_date: null,
  }
}

/** Returns an issue. */
export function issueJson(repo: RepoRow, row: IssueRow, url: string) {
  return {
    ...common(repo, row, url),
    original_author: row.original_author,
    original_author_id: row.original_author === '' ? 0 : idOf(row.original_author),
    pull_request: row.pull === null ? null : { merged: row.pull.merged, merged_at: row.pull.merged ? timeText(row.closed) : null },
    repository: { id: repo.id, name: repo.name, owner: repo.owner, full_name: `${repo.owner}/${repo.name}` },
  }
}

/** Gitea's default prefixes of drafts. It refuses to merge a draft. */
export const isDraft = (title: string) => /^(?:wip:|\[wip\])/i.test(title)

/** The facts about a pull request that the repository decides. */
export interface PullFacts {
  /** The repo of the branch. */
  readonly from: RepoRow | null
  readonly sha: string
  /** True if the branch was deleted. */
  readonly gone: boolean
  readonly base_sha: string
  readonly merge_base: string
  readonly mergeable: boolean
}

/** Returns a pull request. */
export function pullJson(repo: RepoRow, row: IssueRow, { from, sha, gone, base_sha, merge_base, mergeable }: PullFacts, url: string) {
  const pull = row.pull!
  const draft = isDraft(row.title)
  const end = (label: string, ref: string, of: RepoRow | null) => ({ label, ref, repo_id: of?.id ?? -1 })
  return {
    ...common(repo, row, url),
    draft,
    mergeable: mergeable && !pull.merged && !draft,
    merged: pull.merged,
    merged_at: pull.merged ? timeText(row.closed) : null,
    merge_base,
    base: { ...end(pull.base, pull.base, repo), sha: base_sha },
    // Merging deletes the branch, but its label stays.
    head: { ...end(pull.branch, pull.merged || gone ? `refs/pull/${row.number}/head` : pull.branch, from), sha },
  }
}

/** Returns a comment. */
export function commentJson(repo: RepoRow, row: IssueRow, comment: CommentRow, url: string) {
  const isPull = row.pull !== null
  const subject = `${url}/${repo.owner}/${repo.name}/${isPull ? 'pulls' : 'issues'}/${row.number}`
  return {
    id: comment.id,
    html_url: `${subject}#issuecomment-${comment.id}`,
    issue_url: isPull ? '' : subject,
    pull_request_url: isPull ? subject : '',
    user: userJson(comment.author, url),
    original_author: '',
    original_author_id: 0,
    body: comment.body,
    created_at: timeText(comment.created),
    updated_at: timeText(comment.updated),
  }
}

/** Returns a push as an event of the timeline. */
export function pushJson(repo: RepoRow, row: IssueRow, push: PushRow, url: string) {
  const body = JSON.stringify({ is_force_push: false, commit_ids: push.commits })
  const comment = { id: push.id, author: push.login, body, created: push.at, updated: push.at, reactions: new Set<string>() }
  return { ...timelineJson(repo, row, comment, url), type: 'pull_push' }
}

/** Returns the replacement of a base as an event of the timeline. */
export function baseJson(repo: RepoRow, row: IssueRow, { id, login, at }: PullRow['bases'][number], url: string) {
  const comment = { id, author: login, body: '', created: at, updated: at, reactions: new Set<string>() }
  return { ...timelineJson(repo, row, comment, url), type: 'change_target_branch' }
}

/** Returns a comment as an event of the timeline. */
export function timelineJson(repo: RepoRow, row: IssueRow, comment: CommentRow, url: string) {
  const { original_author: _author, original_author_id: _id, ...fields } = commentJson(repo, row, comment, url)
  return { ...fields, type: 'comment' }
}
