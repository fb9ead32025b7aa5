/** Merges and updates changes of a folder forge with git, by the rules in `rules/<repo>.md`. */
import { access, constants } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { MergeMethod } from '../core/change-stages.ts'
import type { ChangeRef, MergeRequest, MergeResult, Protection, Review, UpdateRequest, UpdateResult } from '../core/change-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { requires } from '../decide/change-checks.ts'
import { readPlainFile, replaceFile } from './files.ts'
import { openChange, type ChangeFile, type FolderChanges } from './folder-change-file.ts'
import { readChecks } from './folder-checks.ts'
import { bareOf, defaultBranch, type FolderPaths } from './folder-paths.ts'
import { readThreads } from './folder-threads.ts'
import { lineOf, listOf, malformedAt, parseDocument, textOf, withField } from './front-matter.ts'
import { requireSha, splitIssue, splitRepo } from './refs.ts'

const allMethods: readonly MergeMethod[] = ['merge', 'squash', 'rebase', 'rebase_merge', 'fast_forward']

/** Returns the rules of a repo, which apply to all its branches; null if the branch does not exist. Throws BurnError `forge_malformed`. */
export async function readProtection({ paths, git }: FolderChanges, repo: RepoRef, base: string): Promise<Protection | null> {
  const folder = dirname(await paths.folder('rules', repo))
  const [tip = null] = await (await git()).tips(bareOf(paths.root, repo), [base])
  if (tip === null) return null
  const rules = { base, base_sha: tip.sha, may_merge: await mayWrite(paths), may_rebase: true, delete_branch: null }
  const path = join(folder, `${splitRepo(repo).name}.md`)
  const file = await readPlainFile(path)
  if (file === null) return { ...rules, required_checks: [], required_approvals: 0, methods: allMethods }
  const document = parseDocument(path, file.text)
  const approvals = textOf(document, 'required_approvals') || '0'
  if (!/^\d{1,3}$/.test(approvals)) throw malformedAt(path, lineOf(document, 'required_approvals'), 'required_approvals is not a number')
  const written = listOf(document, 'methods')
  const methods = written.map((name) => {
    const method = allMethods.find((each) => each === name)
    if (method !== undefined) return method
    throw malformedAt(path, lineOf(document, 'methods'), `${JSON.stringify(name)} is not one of ${allMethods.join(', ')}`)
  })
  const required_checks = listOf(document, 'required_checks')
  return { ...rules, required_checks, required_approvals: Number(approvals), methods: methods.length === 0 ? allMethods : methods }
}

async function mayWrite({ root }: FolderPaths): Promise<boolean> {
  return access(root, constants.W_OK).then(() => true, ifCode(['EACCES', 'EPERM', 'EROFS', ...noSuchPath], false))
}

const ended = (why: string) => ({ result: 'ended', why }) as const

/** Returns why a change can't be merged or updated at a commit; null if it can. */
function stateAgainst(found: ChangeFile | null, sha: string): Extract<UpdateResult, { readonly why: string }> | null {
  if (found === null) return ended('there is no such change')
  if (found.change.state !== 'open') return ended(`the change is ${found.change.state}`)
  if (found.tip === null) return ended(`the branch ${found.branch} was deleted`)
  if (found.sha !== sha) return { result: 'head_moved', why: `the head is ${found.sha}` }
  return found.base_sha === null ? { result: 'not_mergeable', why: `there is no branch ${found.base}` } : null
}

/** Merges a change at the given commit, and closes the issues that it closes. A second call after a crash finishes the first one. */
export async function mergeByGit(changes: FolderChanges, ref: ChangeRef, request: MergeRequest): Promise<MergeResult> {
  const { method, delete_branch } = request
  const sha = requireSha(request.sha)
  const found = await openChange(changes, ref)
  const against = stateAgainst(found, sha)
  if (found === null || found.base_sha === null || against !== null) return against ?? ended('there is no such change')
  const refused = await ruleAgainst(changes, ref, found, method)
  if (refused !== null) return refused
  const git = await changes.git()
  const { bare, base, base_sha, branch } = found
  const title = `Merge change ${ref.slice(ref.lastIndexOf('!') + 1)}: ${textOf(found.document, 'title') || branch}\n`
  const commit = await git.combine(bare, { base: base_sha, head: sha }, method, title)
  if (commit === null) return { result: 'not_mergeable', why: `${branch} conflicts with ${base}` }
  if (commit !== base_sha && !(await git.moveBranch(bare, base, { from: base_sha, to: commit })))
    return { result: 'try_again', why: `somebody pushed to ${base} at the same moment` }
  await closeIssues(changes.paths, found)
  const merged = withField(found.document, found.text, 'state', 'merged')
  await replaceFile(found.path, withField(parseDocument(found.path, merged), merged, 'head', sha))
  // Somebody may have pushed to the branch since. Then the branch stays.
  if (delete_branch) await git.moveBranch(bare, branch, { from: sha, to: null })
  return { result: 'merged' }
}

/** Returns the rule that a change does not meet; null if it meets all of them. */
async function ruleAgainst(changes: FolderChanges, ref: ChangeRef, found: ChangeFile, method: MergeMethod): Promise<MergeResult | null> {
  const { repo, base, sha, document } = found
  if (textOf(document, 'draft') === 'true') return { result: 'not_mergeable', why: 'the change is a draft' }
  const rules = await readProtection(changes, repo, base)
  if (rules?.may_merge !== true) return { result: 'not_allowed', why: 'burn may not write to the folder' }
  if (!rules.methods.includes(method)) return { result: 'not_allowed', why: `the rules of the repo do not allow ${method}` }
  const missing = (why: string): MergeResult => ({ result: 'checks_missing', why })
  const checks = sha === null ? [] : await readChecks(changes.paths, repo, sha)
  const first = rules.required_checks.find((glob) => {
    const states = checks.filter(({ name }) => requires(glob, name)).map(({ state }) => state)
    return states.length === 0 || states.some((state) => state !== 'passed' && state !== 'skipped')
  })
  if (first !== undefined) return missing(`the check ${first} has not passed`)
  if (rules.required_approvals === 0) return null
  const newest = newestVerdicts((await readThreads(changes, ref, found)).reviews)
  const against = newest.find(({ state }) => state === 'changes_requested')
  if (against !== undefined) return missing(`${against.author} requests changes`)
  const approvals = newest.filter(({ state, stale }) => state === 'approved' && !stale).length
  return approvals >= rules.required_approvals ? null : missing(`${approvals} of ${rules.required_approvals} approvals`)
}

/** Returns the newest approval or request for changes of each writer. Comments do not change a verdict. */
function newestVerdicts(reviews: readonly Review[]): Review[] {
  const counted = reviews.filter(({ official, dismissed, state }) => official && !dismissed && state !== 'commented')
  return [...new Map(counted.map((review) => [review.author, review])).values()]
}

/** Closes the issues that a change closes, in all repos of the folder. As on a forge, only a merge into the default branch does so. */
async function closeIssues(paths: FolderPaths, found: ChangeFile): Promise<void> {
  if (found.base !== (await defaultBranch(paths.root, found.repo))) return
  for (const ref of found.change.closes) {
    const { repo, number } = splitIssue(ref)
    if (splitRepo(repo).owner !== splitRepo(found.repo).owner) continue
    const path = join(await paths.folder('issues', repo), `${number}.md`)
    const file = await readPlainFile(path)
    if (file !== null) await replaceFile(path, withField(parseDocument(path, file.text), file.text, 'state', 'closed'))
  }
}

/** Brings the base into the head branch of a change, if the head is the given commit. */
export async function updateBranch(changes: FolderChanges, ref: ChangeRef, { sha, method, onto }: UpdateRequest): Promise<UpdateResult> {
  const found = await openChange(changes, ref)
  const against = stateAgainst(found, requireSha(sha))
  // An earlier call, whose answer was lost, has made this head.
  if (against?.result === 'head_moved' && method === 'merge' && found?.tip?.parents.join() === [sha, onto].join())
    return { result: 'updated', sha: found.sha }
  if (found === null || found.base_sha === null || against !== null) return against ?? ended('there is no such change')
  if (!(await mayWrite(changes.paths))) return { result: 'not_allowed', why: 'burn may not write to the folder' }
  const { bare, base, base_sha, branch } = found
  const git = await changes.git()
  if (!(await git.compare(bare, { base: base_sha, head: sha })).behind) return { result: 'up_to_date' }
  // A merge brings the base into the head. A rebase puts the commits of the head on top of the base.
  const pair = method === 'merge' ? { base: sha, head: base_sha } : { base: base_sha, head: sha }
  const commit = await git.combine(bare, pair, method, `Merge ${base} into ${branch}\n`)
  if (commit === null) return { result: 'not_mergeable', why: `${branch} conflicts with ${base}` }
  // The base has commits that the head lacks, but they change nothing.
  if (commit === sha) return { result: 'up_to_date' }
  const moved = await git.moveBranch(bare, branch, { from: sha, to: commit })
  return moved
    ? { result: 'updated', sha: method === 'merge' ? commit : null }
    : { result: 'head_moved', why: `somebody pushed to ${branch} at the same moment` }
}
