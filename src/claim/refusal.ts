/** Finds out why a forge refused something about an issue, with one more question if the error alone does not say, and keeps what must rest. */
import type { Backoff } from '../core/ledger/backlog.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Forge } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import { messageWithHint, codeOf, messageOf } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'
import { refusalScope, backoffUntil, type RefusalScope } from '../decide/backoff.ts'

export interface Refusal {
  readonly scope: RefusalScope
  /** False if the same request may succeed in a moment. */
  readonly permanent: boolean
  readonly why: string
  /** Whose issues the forge refuses comments on, in the issue's repo; missing where it is not about a person. */
  readonly author?: string
}

/** `ask_anyway`: asks the forge even if the error says that the forge is in trouble: it may fail on this issue alone. */
export async function classifyRefusal(thrown: unknown, issue: IssueRef, forge: Forge, ask_anyway = false): Promise<Refusal> {
  const known = refusalScope(codeOf(thrown))
  const why = messageWithHint(thrown)
  // A comment that was answered with something else may be there all the same.
  const certain = known !== 'forge' && codeOf(thrown) !== 'forge_malformed'
  if (known !== null && !(known === 'forge' && ask_anyway)) return { scope: known, permanent: certain, why }
  try {
    return await ask(thrown, issue, forge)
  } catch (second) {
    const code = codeOf(second)
    const fault = refusalScope(code) ?? (code === 'forge_forbidden' ? 'token' : 'forge')
    return { scope: fault, permanent: fault !== 'forge', why: fault === 'forge' ? why : messageWithHint(second) }
  }
}

async function ask(thrown: unknown, issue: IssueRef, forge: Forge): Promise<Refusal> {
  const repo = repoOf(issue)
  const { exists, archived, issues } = await forge.rights(repo)
  if (!exists) return { scope: 'repo', permanent: true, why: `there is no repo ${repo}, or the token may not see it` }
  if (archived) return { scope: 'repo', permanent: true, why: `${repo} is archived: nothing can be written there` }
  if (!issues) return { scope: 'repo', permanent: true, why: `issues are disabled in ${repo}` }
  const found = await forge.issue(issue)
  if (found === null) return { scope: 'issue', permanent: true, why: 'the forge no longer has the issue' }
  if (codeOf(thrown) !== 'forge_forbidden') return { scope: 'issue', permanent: false, why: messageOf(thrown) }
  if (!(await forge.mayComment(repo)))
    return { scope: 'token', permanent: true, why: `the token may not write comments in ${repo}: ${messageWithHint(thrown)}` }
  if (found.locked) return { scope: 'issue', permanent: true, why: `the issue is locked: ${messageOf(thrown)}` }
  const { author } = found
  return { scope: 'issue', permanent: true, author, why: `comments are refused (did ${author} block the account?): ${messageOf(thrown)}` }
}

const day = 24 * 3_600_000

/**
 * What is left alone because of it: the issue or its repo, longer each time within a day. Null if the forge is in trouble, because then nothing is known. All
 * issues of an author who blocked the account rest: each of them would be claimed in vain. Nothing is written.
 */
export async function backoffFor(
  { scope: fault, why, author }: Refusal,
  issue: IssueRef,
  { ledger, clock }: Session,
): Promise<Backoff | null> {
  if (fault === 'forge') return null
  const subject: IssueRef | RepoRef = fault === 'issue' ? issue : repoOf(issue)
  const now = clock.now()
  const recent = (await ledger.events({ subject, limit: 32 })).filter(({ at }) => at > now - day)
  const since = recent.slice(recent.findLastIndex(({ kind }) => kind === 'issue.requeued') + 1)
  const until = backoffUntil(fault, since.filter(({ kind }) => kind === 'issue.rests' || kind === 'repo.rests').length, now)
  return { subject, until, why: { code: 'forge_refuses', why }, ...(author === undefined ? {} : { author }) }
}

/** Keeps it from being given for that long. No attempt is counted. Returns what rests and until when, for people. */
export async function recordBackoff(rests: Backoff, { ledger, clock }: Session): Promise<string> {
  await ledger.saveBackoff(rests, clock.now())
  const { subject, until } = rests
  return `${subject} is backed off until ${new Date(until).toISOString().slice(0, 19)}Z`
}

/** Both at once. Null if nothing rests. */
export async function backOff(found: Refusal, issue: IssueRef, session: Session): Promise<string | null> {
  const rests = await backoffFor(found, issue, session)
  return rests === null ? null : recordBackoff(rests, session)
}
