/** The calls that read a branch with its rules, and that merge and update pull requests, with real git if there is a bare repository. */
import type { BranchRule, PullRow } from './change-rows.ts'
import type { ForgeState, IssueRow, RepoRow } from './state.ts'
import { emptyReply, fail, isSince, nameOf, refuse, reply, repoOf, textIn, type Call, type Reply } from './calls.ts'
import { fakeSha } from './change-rows.ts'
import { latestStatuses } from './checks.ts'
import { branchIn, commonAncestor, mergeIn, moveBranch, parentsOf } from './git.ts'
import { isDraft } from './json.ts'
import { headOf } from './people.ts'

export function getBranch(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const [, , name = ''] = words
  const id = baseOf(state, repo, name)
  if (id === null) return refuse(404, "The target couldn't be found.", call.url)
  const rule = repo.rules.get(name)
  return reply(200, {
    name,
    commit: { id },
    protected: rule !== undefined,
    required_approvals: rule?.approvals ?? 0,
    enable_status_check: rule?.contexts !== undefined,
    status_check_contexts: rule?.contexts ?? [],
    user_can_push: repo.writers.has(call.login) && rule === undefined,
    user_can_merge: mayMerge(repo, rule, call.login),
  })
}

/** Returns the commit of a branch; null if there is none. Without a bare repository, only the default branch exists. */
export function baseOf(state: ForgeState, repo: RepoRow, name: string): string | null {
  const bare = state.bareOf(nameOf(repo))
  if (bare !== null) return branchIn(bare, name)
  return name === repo.default_branch ? '0'.repeat(40) : null
}

const mayMerge = (repo: RepoRow, rule: BranchRule | undefined, login: string) =>
  repo.writers.has(login) && rule?.mergers?.includes(login) !== false

/** Tells whether a merge conflicts, by git if there is a bare repository. */
export function hasConflict(state: ForgeState, repo: RepoRow, pull: PullRow): boolean {
  const bare = state.bareOf(nameOf(repo))
  const base = baseOf(state, repo, pull.base)
  if (bare === null || base === null || pull.from !== nameOf(repo)) return pull.conflicts
  return mergeIn(bare, base, headOf(state, pull)) === null
}

/** Returns Gitea's message about a rule that a pull request does not meet; null if it meets all rules. */
function brokenRule(repo: RepoRow, pull: PullRow, sha: string): string | null {
  const { contexts, approvals = 0 } = repo.rules.get(pull.base) ?? {}
  const statuses = latestStatuses(repo, sha)
  const isMet = (context: string) => statuses.some((row) => row.context === context && row.state === 'success')
  const others = contexts?.length === 0 && statuses.some(({ state }) => state !== 'success')
  if (others || contexts?.every(isMet) === false) return 'Not all required status checks successful'
  const counted = pull.reviews.filter(({ official, dismissed }) => official && !dismissed)
  if (counted.filter(({ state }) => state === 'APPROVED').length < approvals) return 'Does not have enough approvals'
  return null
}

const allowed: Readonly<Record<string, string>> = {
  merge: 'allow_merge_commits',
  rebase: 'allow_rebase',
  'rebase-merge': 'allow_rebase_explicit',
  squash: 'allow_squash_merge',
  'fast-forward-only': 'allow_fast_forward_only_merge',
}

/** Merges a pull request. The order of the tests is Gitea's. */
export function postMerge(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  if (repo.archived) return refuse(423, 'repo is archived', call.url)
  const row = repo.items.get(Number(words[2]))
  const pull = row?.pull ?? null
  const not = (message: string) => refuse(405, message, call.url)
  if (row === undefined || pull === null) return refuse(404, "The target couldn't be found.", call.url)
  // Before 1.24 the answer about a merged pull request has no message.
  if (pull.merged) return not(call.version === '1.23.8' ? '' : 'The PR is already merged')
  if (row.state === 'closed') return refuse(404, "The target couldn't be found.", call.url)
  if (!mayMerge(repo, repo.rules.get(pull.base), call.login)) return not('User not allowed to merge PR')
  if (isDraft(row.title)) return not('Work in progress PRs cannot be merged')
  if (pull.untested > 0 || hasConflict(state, repo, pull)) return not('Please try again later')
  const head = headOf(state, pull)
  const broken = brokenRule(repo, pull, head)
  if (broken !== null) return not(isSince(call.version, 24) ? broken : `not allowed to merge [reason: ${broken}]`)
  // Gitea does not expect this error, so it fails.
  if (row.blockers.some((each) => state.issue(each.repo, each.number).state === 'open'))
    return fail('is blocked by an open dependency', call)
  const style = textIn(call.body, 'Do') ?? 'merge'
  if (repo.settings[allowed[style] ?? ''] === false) return not(`${style} is not allowed an allowed merge style for this repository`)
  if (textIn(call.body, 'head_commit_id') !== head) return refuse(409, 'head out of date', call.url)
  mergeNow(state, repo, row, pull)
  if ((call.body as Record<string, unknown>)['delete_branch_after_merge'] === true) deleteHead(state, pull)
  return emptyReply(200)
}

function mergeNow(state: ForgeState, repo: RepoRow, row: IssueRow, pull: PullRow): void {
  const bare = state.bareOf(nameOf(repo))
  pull.sha = headOf(state, pull)
  const base = bare === null ? null : branchIn(bare, pull.base)
  const merged = bare === null || base === null ? null : mergeIn(bare, base, pull.sha)
  if (bare !== null && merged !== null) moveBranch(bare, pull.base, merged)
  state.merge(nameOf(repo), row.number)
}

function deleteHead(state: ForgeState, pull: PullRow): void {
  const bare = state.bareOf(pull.from)
  if (bare !== null) moveBranch(bare, pull.branch, null)
}

/** Brings the base into the head. If there is nothing to do, Gitea fails. */
export function postUpdate(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const row = repo.items.get(Number(words[2]))
  const pull = row?.pull ?? null
  if (row === undefined || pull === null) return refuse(404, "The target couldn't be found.", call.url)
  if (row.state === 'closed') return refuse(422, '', call.url)
  if (!repo.writers.has(call.login)) return emptyReply(403)
  const [bare, base, head] = [state.bareOf(pull.from), baseOf(state, repo, pull.base), headOf(state, pull)]
  if (base === null || mergeBase(state, repo, pull) === base) return fail(`HeadBranch of PR ${row.number} is up to date`, call)
  if (hasConflict(state, repo, pull)) return refuse(409, `${call.query.get('style') ?? 'merge'} failed because of conflict`, call.url)
  if (bare !== null) moveBranch(bare, pull.branch, mergeIn(bare, head, base))
  else pull.sha = fakeSha(`${head} updated`)
  pull.pushes.push({ id: state.nextId(), login: call.login, at: state.seconds(), commits: [headOf(state, pull)] })
  pull.updates.set(headOf(state, pull), head)
  return emptyReply(200)
}

/** Returns a commit with its parents. */
export function getCommit(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const [, , sha = ''] = words
  const bare = state.bareOf(nameOf(repo))
  return reply(200, { sha, parents: bare === null ? [] : parentsOf(bare, sha).map((parent) => ({ sha: parent })) })
}

/** Returns the merge base of a pull request. Without a bare repository, each head contains the base. */
export function mergeBase(state: ForgeState, repo: RepoRow, pull: PullRow): string {
  const [bare, base] = [state.bareOf(nameOf(repo)), baseOf(state, repo, pull.base)]
  if (bare === null || base === null || pull.from !== nameOf(repo)) return base ?? ''
  return commonAncestor(bare, base, headOf(state, pull))
}
