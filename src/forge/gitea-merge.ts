/** Merges and updates changes of Gitea and Forgejo, by the rules of their base branches. */
import type { MergeMethod } from '../core/change-stages.ts'
import type { ChangeRef, MergeRequest, MergeResult, Protection, UpdateRequest, UpdateResult } from '../core/change-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { ChangeHead, Changes } from './gitea-change-state.ts'
import { BurnError } from '../core/errors.ts'
import { membersOf, itemsOf, keysOf, stringOf } from '../core/json.ts'
import { nullOnCode } from './api.ts'
import { apiRefusalOf, type ApiRefusal } from './answers.ts'
import { readHead } from './gitea-change-state.ts'
import { readDependencies } from './gitea-dependencies.ts'
import { repoPath, requireSha, splitNumbered } from './refs.ts'
import type { Server } from './gitea-server.ts'

/** Each method: its name in Gitea's API, and the setting of the repo that allows it. */
const methods: Readonly<Record<MergeMethod, { readonly name: string; readonly setting: string }>> = {
  merge: { name: 'merge', setting: 'allow_merge_commits' },
  rebase: { name: 'rebase', setting: 'allow_rebase' },
  rebase_merge: { name: 'rebase-merge', setting: 'allow_rebase_explicit' },
  squash: { name: 'squash', setting: 'allow_squash_merge' },
  fast_forward: { name: 'fast-forward-only', setting: 'allow_fast_forward_only_merge' },
}

/**
 * Returns the rules of a base branch; null if the repo does not have the branch. Only administrators may read the rules themselves, but
 * everybody may read the branch, which repeats the checks and approvals that it requires.
 */
export async function readBranchRules({ api }: Server, repo: RepoRef, base: string): Promise<Protection | null> {
  const branch = await nullOnCode('forge_not_found', api.get(`${repoPath(repo)}/branches/${encodeURIComponent(base)}`))
  if (branch === null) return null
  const { commit, required_approvals, enable_status_check, status_check_contexts, user_can_merge } = membersOf(branch.json)
  const settings = membersOf((await api.get(repoPath(repo))).json)
  const contexts = itemsOf(status_check_contexts).filter((name) => typeof name === 'string')
  const isDefault = (method: MergeMethod) => methods[method].name === settings['default_merge_style']
  const allowed = keysOf(methods).filter((method) => settings[methods[method].setting] === true)
  return {
    base,
    base_sha: stringOf(membersOf(commit)['id']) ?? '',
    // If checks are required but none is named, all checks of a commit must pass.
    required_checks: enable_status_check !== true ? [] : contexts.length === 0 ? ['*'] : contexts,
    required_approvals: typeof required_approvals === 'number' ? required_approvals : 0,
    methods: allowed.toSorted((a, b) => Number(isDefault(b)) - Number(isDefault(a))),
    may_merge: booleanOf(user_can_merge),
    may_rebase: settings['allow_rebase_update'] !== false,
    delete_branch: booleanOf(settings['default_delete_branch_after_merge']),
  }
}

const booleanOf = (value: unknown) => (typeof value === 'boolean' ? value : null)

type Refused = Exclude<MergeResult['result'], 'merged'>

/** The refusals of a merge by their status and message. The first match counts. */
const refusals: readonly (readonly [number, RegExp, Refused])[] = [
  [403, /^/, 'not_allowed'],
  [404, /^/, 'ended'],
  // Forgejo, and Gitea before 1.24, begin these messages with "not allowed to merge", too.
  [405, /status checks|approvals|requested changes|review requests|behind the base/i, 'checks_missing'],
  [405, /not allowed to merge|merge style|sign|protected files/i, 'not_allowed'],
  [405, /already merged/i, 'ended'],
  [405, /work in progress/i, 'not_mergeable'],
  [405, /try again later/i, 'try_again'],
  [409, /head out of date/i, 'head_moved'],
  [409, /push out of date/i, 'try_again'],
  [409, /rejected/i, 'not_allowed'],
  // A conflict has no message, but the output of git.
  [409, /^/, 'not_mergeable'],
]

/**
 * Merges a change, with one attempt. Never asks the forge to wait for checks: Gitea ignores this wish for a fast-forward, and merges at
 * once.
 */
export async function mergePull(changes: Changes, ref: ChangeRef, { sha, method, delete_branch }: MergeRequest): Promise<MergeResult> {
  const { repo, number } = splitNumbered(ref)
  const body = { Do: methods[method].name, head_commit_id: requireSha(sha), delete_branch_after_merge: delete_branch }
  try {
    await changes.server.api.post(`${repoPath(repo)}/pulls/${number}/merge`, body)
    return { result: 'merged' }
  } catch (thrown) {
    const refusal = apiRefusalOf(thrown)
    if (refusal === null) throw thrown
    const known = refusals.find(([status, message]) => status === refusal.status && message.test(refusal.message))
    if (known !== undefined) return { result: known[2], why: whyOf(refusal) }
    if (refusal.status !== 405 && refusal.status !== 500) throw thrown
    const found = await explainRefusal(changes, ref, sha)
    if (found === null && refusal.status === 500) throw thrown
    return found ?? { result: 'not_allowed', why: whyOf(refusal) }
  }
}

const whyOf = ({ status, message }: ApiRefusal) => message || `the forge refused with status ${status}`

/** Returns the cause of a refusal without a known message, from the state of the change; null if the change shows no cause. */
async function explainRefusal(changes: Changes, ref: ChangeRef, sha: string): Promise<MergeResult | null> {
  const head = await readHead(changes, ref)
  const moved = movedSince(head, sha)
  if (moved !== null) return moved
  const { repo, number } = splitNumbered(ref)
  const open = (await readDependencies(changes.server, `${repo}#${number}`)).find(({ state }) => state !== 'closed')
  return open === undefined ? null : { result: 'checks_missing', why: `${open.ref ?? 'a hidden issue'} blocks the change` }
}

/** Returns why a change can no longer be merged or updated at a commit; null if it can. */
function movedSince(head: ChangeHead | null, sha: string): { readonly result: 'ended' | 'head_moved'; readonly why: string } | null {
  if (head === null) return { result: 'ended', why: 'the forge does not have the change' }
  if (head.change.state !== 'open') return { result: 'ended', why: `the change is ${head.change.state}` }
  // The forge closes the change of a deleted branch a moment later.
  if (head.branch === null) return { result: 'ended', why: 'the change has no head branch' }
  return head.sha === sha ? null : { result: 'head_moved', why: `the head is ${head.sha || 'gone'}` }
}

/**
 * Brings the base into the head branch of a change, with one attempt. The request has no commit to compare, so a push between the two
 * requests is updated, too.
 */
export async function updatePull(changes: Changes, ref: ChangeRef, { sha, method, onto }: UpdateRequest): Promise<UpdateResult> {
  const head = await readHead(changes, ref)
  const moved = movedSince(head, requireSha(sha))
  if (moved?.result === 'head_moved' && method === 'merge' && onto !== null) {
    const made = await mergeOf(changes, ref, [sha, onto])
    if (made !== null) return { result: 'updated', sha: made }
  }
  if (moved !== null) return moved
  if (head?.base_sha === null) return { result: 'not_mergeable', why: `there is no branch ${head.base}` }
  if (head?.behind === false) return { result: 'up_to_date' }
  const { repo, number } = splitNumbered(ref)
  try {
    await changes.server.api.post(`${repoPath(repo)}/pulls/${number}/update?style=${method}`, undefined)
  } catch (thrown) {
    const refusal = apiRefusalOf(thrown)
    if (refusal === null) throw thrown
    const why = whyOf(refusal)
    if (refusal.status === 403) return { result: 'not_allowed', why }
    if (refusal.status === 409) return { result: 'not_mergeable', why }
    if (refusal.status === 404 || refusal.status === 422) return { result: 'ended', why }
    if (refusal.status !== 500) throw thrown
    // The forge gives the same answer if the head contains the base, and if somebody pushed at the same moment.
    const after = await readHead(changes, ref)
    if (after?.behind === false) return { result: 'up_to_date' }
    const cause = movedSince(after, sha)
    if (cause === null) throw thrown
    return cause
  }
  return { result: 'updated', sha: method === 'merge' ? await mergeOf(changes, ref, [sha, head?.base_sha]) : null }
}

/** Returns the head of a change if it is a merge of these two commits; null if it is not, or if the forge does not tell. */
async function mergeOf(changes: Changes, ref: ChangeRef, wanted: readonly unknown[]): Promise<string | null> {
  try {
    const sha = (await readHead(changes, ref))?.sha ?? ''
    if (sha === '') return null
    const { json } = await changes.server.api.get(`${repoPath(splitNumbered(ref).repo)}/git/commits/${sha}`)
    const parents = itemsOf(membersOf(json)['parents']).map((parent) => membersOf(parent)['sha'])
    return parents.length === wanted.length && parents.every((parent, index) => parent === wanted[index]) ? sha : null
  } catch (thrown) {
    if (thrown instanceof BurnError) return null
    throw thrown
  }
}
