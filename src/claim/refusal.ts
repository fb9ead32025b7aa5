/**
 * Finds the cause of a forge's refusal, and backs off from the issue or repo. If the error code is ambiguous, burn sends the forge one more
 * request to find the cause.
 */
import type { Backoff } from '../core/ledger/backlog.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Forge } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import { messageWithHint, codeOf, messageOf } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'
import { repoFault, type RepoFault } from '../decide/repo-faults.ts'
import { refusalScope, backoffUntil, type RefusalScope } from '../decide/backoff.ts'

/** The cause of a failed request about an issue. */
export interface Refusal {
  readonly scope: RefusalScope
  /** False if the same request may succeed soon. */
  readonly permanent: boolean
  readonly why: string
  /**
   * The author of the issue, if this author blocked burn's account. The forge then refuses comments on all issues of this author in the
   * repo. Absent for other causes.
   */
  readonly author?: string
}

/**
 * Returns the cause of an error from the forge. Sends one more request to the forge if the error code is ambiguous. With `ask_anyway` it
 * also sends this request if the whole forge seems to fail, because the failure may concern only this issue.
 */
export async function classifyRefusal(thrown: unknown, issue: IssueRef, forge: Forge, ask_anyway = false): Promise<Refusal> {
  const known = refusalScope(codeOf(thrown))
  const why = messageWithHint(thrown)
  // Even if its response was malformed, the forge may have stored the comment.
  const permanent = known !== 'forge' && codeOf(thrown) !== 'forge_malformed'
  if (known !== null && !(known === 'forge' && ask_anyway)) return { scope: known, permanent, why }
  try {
    return await findCause(thrown, issue, forge)
  } catch (second) {
    const code = codeOf(second)
    const scope = refusalScope(code) ?? (code === 'forge_forbidden' ? 'token' : 'forge')
    return { scope, permanent: scope !== 'forge', why: scope === 'forge' ? why : messageWithHint(second) }
  }
}

/** Returns a fault of a repo as the cause of a refusal. */
export function refusalOf({ what, remedy }: RepoFault): Refusal {
  return { scope: 'repo', permanent: true, why: `${what}: ${remedy}` }
}

async function findCause(thrown: unknown, issue: IssueRef, forge: Forge): Promise<Refusal> {
  const repo = repoOf(issue)
  const fault = repoFault(repo, { ...(await forge.rights(repo)), blocking_branch: null })
  if (fault !== null) return refusalOf(fault)
  const found = await forge.issue(issue)
  if (found === null) return { scope: 'issue', permanent: true, why: 'the forge no longer has the issue' }
  if (codeOf(thrown) !== 'forge_forbidden') return { scope: 'issue', permanent: false, why: messageOf(thrown) }
  if (!(await forge.mayComment(repo)))
    return { scope: 'token', permanent: true, why: `the token may not write comments in ${repo}: ${messageWithHint(thrown)}` }
  if (found.locked) return { scope: 'issue', permanent: true, why: `the issue is locked: ${messageOf(thrown)}` }
  const { author } = found
  const why = `the forge refuses comments on the issue (${author} may have blocked burn's account): ${messageOf(thrown)}`
  return { scope: 'issue', permanent: true, author, why }
}

const day = 24 * 3_600_000

/**
 * Returns the back-off of the issue or its repo after a refusal, without saving it. The back-off grows with each refusal in the past day.
 * Returns null if the whole forge fails, because the cause is then unknown. If the author blocked the account, the back-off covers all of
 * the author's issues in the repo.
 */
export async function backoffFor({ scope, why, author }: Refusal, issue: IssueRef, { ledger, clock }: Session): Promise<Backoff | null> {
  if (scope === 'forge') return null
  const subject: IssueRef | RepoRef = scope === 'issue' ? issue : repoOf(issue)
  const now = clock.now()
  const recent = (await ledger.events({ subject, limit: 32 })).filter(({ at }) => at > now - day)
  const sinceRequeue = recent.slice(recent.findLastIndex(({ kind }) => kind === 'issue.requeued') + 1)
  const before = sinceRequeue.filter(({ kind }) => kind === 'issue.rests' || kind === 'repo.rests').length
  const until = backoffUntil(scope, before, now)
  return { subject, until, why: { code: 'forge_refuses', why }, ...(author === undefined ? {} : { author }) }
}

/**
 * Saves a back-off, so that burn does not dispatch the affected issues until the back-off ends. It does not count as an attempt. Returns a
 * sentence about the back-off, for people.
 */
export async function recordBackoff(backoff: Backoff, { ledger, clock }: Session): Promise<string> {
  await ledger.saveBackoff(backoff, clock.now())
  const { subject, until } = backoff
  return `${subject} is backed off until ${new Date(until).toISOString().slice(0, 19)}Z`
}

/** Saves the back-off after a refusal and returns a sentence about it, for people; null if burn does not back off. */
export async function backOff(refusal: Refusal, issue: IssueRef, session: Session): Promise<string | null> {
  const backoff = await backoffFor(refusal, issue, session)
  return backoff === null ? null : recordBackoff(backoff, session)
}
