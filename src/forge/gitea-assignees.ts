/** Reads and replaces the assignees of issues of Gitea and Forgejo. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Api } from './api.ts'
import { hasSameLogins, isSameLogin } from '../core/assignees.ts'
import { BurnError, codeOf } from '../core/errors.ts'
import { issuePath, readIssue } from './gitea-issues.ts'
import { arrayOf, issueOf, loginOf } from './gitea-objects.ts'
import { repoPath, splitIssue } from './refs.ts'

/** Returns the logins that the forge allows as assignees of a repo's issues: owners, collaborators and members of teams. */
export async function readAssignable(api: Api, repo: RepoRef): Promise<readonly string[]> {
  const { json } = await api.get(`${repoPath(repo)}/assignees`)
  return arrayOf(json)
    .map(loginOf)
    .filter((login) => login !== null)
}

/** The assignees of an issue before and after a change. */
interface Assignment {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/**
 * Replaces the assignees of an issue, unless they differ from `from`. See `Forge.assign`. Gitea cannot compare and set, so a change that a
 * person makes between the two requests is lost.
 */
export async function replaceAssignees(api: Api, url: string, ref: IssueRef, { from, to }: Assignment): Promise<boolean> {
  const { repo } = splitIssue(ref)
  const before = await readIssue(api, url, ref)
  if (before === null) throw new BurnError('forge_not_found', `there is no ${ref}`, 'check whether somebody deleted the issue')
  if (hasSameLogins(before.assignees, to)) return true
  if (!hasSameLogins(before.assignees, from)) return false
  const { json } = await api.patch(issuePath(ref), { assignees: to }).catch((thrown: unknown) => throwIfUnassignable(api, repo, to, thrown))
  const after = issueOf(repo, json, url)
  if (!('why' in after) && hasSameLogins(after.assignees, to)) return true
  // Gitea ignores the assignees if the account may not write to the issues of the repo.
  throw new BurnError(
    'forge_forbidden',
    `the forge did not change the assignees of ${ref}`,
    `give the account of the token write access to the issues of ${repo}`,
  )
}

/**
 * Throws BurnError `forge_unassignable` if the request failed because of one of the logins; otherwise rethrows the error. For a login
 * without access to the repo, Gitea answers with 500. For a login that does not exist, it answers with 422 or 500. Only administrators get
 * the message of a 500, which then reads like that of a missing object.
 */
async function throwIfUnassignable(api: Api, repo: RepoRef, logins: readonly string[], thrown: unknown): Promise<never> {
  if (!['forge_failed', 'forge_refused', 'forge_not_found'].includes(codeOf(thrown))) throw thrown
  const allowed = await readAssignable(api, repo)
  const login = logins.find((each) => !allowed.some((other) => isSameLogin(each, other)))
  if (login === undefined) throw thrown
  throw new BurnError(
    'forge_unassignable',
    `the forge does not let ${login} be assigned to issues of ${repo}`,
    `correct the login, or give the account access to ${repo}`,
    { cause: thrown },
  )
}
