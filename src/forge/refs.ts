/** `owner/name` and `owner/name#7`, taken apart. Both end up in URLs and file names, so nothing but plain names passes. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'

const plainName = /^(?!\.)[A-Za-z0-9._-]{1,100}$/
const issueNumber = /^[1-9][0-9]{0,14}$/

/** What a forge's issues, comments and reviews may be numbered. */
export function numberOf(text: string): number | null {
  return issueNumber.test(text) ? Number(text) : null
}

/** Throws BurnError `forge_ref` where an owner or a name is not one: letters, digits, `.`, `_` and `-`, not first a dot. */
export function splitRepo(repo: RepoRef): { readonly owner: string; readonly name: string } {
  const [owner = '', name = '', ...more] = repo.split('/')
  if (more.length === 0 && plainName.test(owner) && plainName.test(name)) return { owner, name }
  throw new BurnError('forge_ref', `${JSON.stringify(repo)} is not a repo`, 'write it as owner/name', { exit: 2 })
}

/** Where an API has a repo: the same for Gitea, Forgejo and GitHub. */
export function repoPath(repo: RepoRef): string {
  const { owner, name } = splitRepo(repo)
  return `/repos/${owner}/${name}`
}

/** Throws BurnError `forge_ref` where it is not one. */
export function splitIssue(ref: IssueRef): { readonly repo: RepoRef; readonly number: number } {
  const at = ref.lastIndexOf('#')
  const number = numberOf(ref.slice(at + 1))
  if (at < 1 || number === null)
    throw new BurnError('forge_ref', `${JSON.stringify(ref)} is not an issue`, 'write it as owner/name#7', { exit: 2 })
  const repo = ref.slice(0, at)
  splitRepo(repo)
  return { repo, number }
}

const branch = /^burn\/([0-9a-hjkmnp-tv-z]{13})$/

/** The dispatch that a branch was made for; null where it is not one of a fleet's branches. */
export function dispatchOf(name: string): string | null {
  return branch.exec(name)?.[1] ?? null
}

/** The same. Throws BurnError `forge_ref` where it is not one. */
export function requireDispatch(branch: string): string {
  const id = dispatchOf(branch)
  if (id !== null) return id
  throw new BurnError('forge_ref', `${JSON.stringify(branch)} is no branch of a dispatch`, 'changes are opened from burn/<dispatch id>')
}
