/** Parses `owner/name` and `owner/name#7`. Owner and name become parts of URLs and file names, so only plain names are valid. */
import type { ChangeRef } from '../core/change-state.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { defaultBranchPrefix, idPattern } from '../core/ids.ts'

const plainOwner = /^(?!\.)[A-Za-z0-9._-]{1,100}$/
/** A name may begin with a dot, such as `.github`, but `.` and `..` are folders. */
const plainName = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/
const issueNumber = /^[1-9][0-9]{0,14}$/
/** A number, or the file name of a change of a folder forge without `.md`. */
const changeName = /^[1-9][0-9]{0,14}(?:-[1-9][0-9]{0,3})?$/

/** Returns the number of an issue, a comment or a review; null if the text is not such a number. */
export function numberOf(text: string): number | null {
  return issueNumber.test(text) ? Number(text) : null
}

/**
 * Returns owner and name of a repo. Each has letters, digits, `.`, `_` and `-`. The owner does not begin with a dot. Throws BurnError
 * `forge_ref` (exit 2).
 */
export function splitRepo(repo: RepoRef): { readonly owner: string; readonly name: string } {
  const [owner = '', name = '', ...more] = repo.split('/')
  if (more.length === 0 && plainOwner.test(owner) && plainName.test(name)) return { owner, name }
  throw new BurnError('forge_ref', `${JSON.stringify(repo)} is not a valid repo name`, 'write it as owner/name', { exit: 2 })
}

/** Returns the path of a repo in the API of Gitea, Forgejo or GitHub. */
export function repoPath(repo: RepoRef): string {
  const { owner, name } = splitRepo(repo)
  return `/repos/${owner}/${name}`
}

/** Returns repo and number of an issue. Throws BurnError `forge_ref` (exit 2). */
export function splitIssue(ref: IssueRef): { readonly repo: RepoRef; readonly number: number } {
  const at = ref.lastIndexOf('#')
  const number = numberOf(ref.slice(at + 1))
  if (at < 1 || number === null)
    throw new BurnError('forge_ref', `${JSON.stringify(ref)} is not a valid issue reference`, 'write it as owner/name#7', { exit: 2 })
  const repo = ref.slice(0, at)
  splitRepo(repo)
  return { repo, number }
}

/** Returns true if the text is the name of a change: `7`, or `7-2` in a folder. */
export function isChangeName(text: string): boolean {
  return changeName.test(text)
}

/** Returns true if the reference is that of a change, `owner/name!7`. */
export function isChangeRef(ref: IssueRef | ChangeRef): boolean {
  return ref.includes('!')
}

/** Returns the repo and the name of a change: `7`, or `7-2` in a folder. Throws BurnError `forge_ref` (exit 2). */
export function splitChange(ref: ChangeRef): { readonly repo: RepoRef; readonly name: string } {
  const at = ref.lastIndexOf('!')
  const name = ref.slice(at + 1)
  if (at < 1 || !changeName.test(name))
    throw new BurnError('forge_ref', `${JSON.stringify(ref)} is not a valid reference of a change`, 'write it as owner/name!7', { exit: 2 })
  const repo = ref.slice(0, at)
  splitRepo(repo)
  return { repo, name }
}

/**
 * Returns repo and number of an issue or a change, on a forge whose issues and changes share their numbers. Throws BurnError `forge_ref`
 * (exit 2).
 */
export function splitNumbered(ref: IssueRef | ChangeRef): ReturnType<typeof splitIssue> {
  return splitIssue(isChangeRef(ref) ? ref.replace('!', '#') : ref)
}

/** Returns true if the text is the whole hash of a commit. */
export function isSha(text: string): boolean {
  return /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(text)
}

/** Returns the hash of a commit. Throws BurnError `forge_ref` if the text is not one. */
export function requireSha(sha: string): string {
  if (isSha(sha)) return sha
  throw new BurnError('forge_ref', `${JSON.stringify(sha)} is not the hash of a commit`, 'use the whole hash')
}

/**
 * Returns the id of the dispatch whose branch has this name; null if it is not the branch of a dispatch. Also knows the default prefix, so
 * that burn finds the changes that were opened before the spec set another prefix.
 */
export function dispatchOf(name: string, prefix: string = defaultBranchPrefix): string | null {
  const used = [prefix, defaultBranchPrefix].find((each) => name.startsWith(each))
  const id = used === undefined ? '' : name.slice(used.length)
  return idPattern.test(id) ? id : null
}

/** Returns the id of the dispatch whose branch has this name. Throws BurnError `forge_ref` if it is not the branch of a dispatch. */
export function requireDispatch(branch: string, prefix: string = defaultBranchPrefix): string {
  const id = dispatchOf(branch, prefix)
  if (id !== null) return id
  throw new BurnError(
    'forge_ref',
    `${JSON.stringify(branch)} is not the branch of a dispatch`,
    `open the change from the branch ${prefix}<dispatch id>`,
  )
}
