/** `burn ledger release-claims`: a person who lost a ledger goes on with this one. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { OwnClaim } from '../claim/check.ts'
import type { Reason } from '../core/reasons.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, isLedgerFailure, messageOf } from '../core/errors.ts'
import { repoOf, servedRepos } from '../core/refs.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { unknownClaims } from '../claim/check.ts'
import { adoptedComment } from '../decide/comment.ts'
import { refreshForge } from '../observe/forge.ts'
import { readWorkers } from '../observe/readings.ts'
import { readMachines } from '../observe/state.ts'

const atOnce = 16

export interface Adopted {
  /** Claims that were released, or with a dry run would be. */
  readonly released: readonly { readonly issue: IssueRef; readonly dispatch: string; readonly worker: string | null }[]
  /** Issues that keep their claim, and what went wrong: the others are done. */
  readonly kept: readonly { readonly what: string; readonly why: string }[]
}

/**
 * Releases every claim on an open issue that another ledger of this fleet wrote: its comment says `released` from then on, and the issue may be given again.
 * A claim stays if its worker may still be at it, unless forced. One request for each open issue with comments.
 */
export async function adopt({ dryRun, force }: { readonly dryRun: boolean; readonly force: boolean }, session: Session): Promise<Adopted> {
  const { fleet, ledger, forge } = session
  const repos = [...new Set([...servedRepos(fleet.machines), ...(fleet.sprint?.repos ?? [])])]
  const { writers, repos_down } = await refreshForge(repos, await ledger.cycleView(), session)
  const busy = force ? new Map<string, string>() : await atWork(session)
  const open = (await ledger.openIssues()).map(({ issue }) => issue).filter(({ repo, comments }) => writers.has(repo) && comments > 0)
  const kept = [...repos_down].map(([what, why]) => ({ what, why }))
  const released: Adopted['released'][number][] = []
  await mapConcurrently(open, atOnce, async ({ ref, repo }) => {
    try {
      const claims = await unknownClaims(ref, await forge.comments(ref), writers.get(repo) ?? new Set(), session)
      const free = claims.filter((claim) => whyKept(claim, busy) === null)
      for (const claim of claims) if (!free.includes(claim)) kept.push({ what: ref, why: whyKept(claim, busy) ?? '' })
      if (free.length === 0) return
      if (!dryRun) await releaseElsewhere(ref, free, session)
      released.push(...free.map(({ dispatch, worker }) => ({ issue: ref, dispatch, worker })))
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      kept.push({ what: ref, why: messageOf(thrown) })
    }
  })
  return { released: released.toSorted((a, b) => (a.issue < b.issue ? -1 : Number(a.issue > b.issue))), kept }
}

/** Workers that may be at something, with what is known of them. Unreachable is not idle. */
async function atWork(session: Session): Promise<ReadonlyMap<string, string>> {
  const { machines } = session.fleet
  const sights = readWorkers(machines, await readMachines(machines, session), session.kindOf)
  return new Map(sights.flatMap(({ worker, reading: { state } }) => (state === 'idle' || state === 'dead' ? [] : [[worker.id, state]])))
}

function whyKept({ worker }: OwnClaim, busy: ReadonlyMap<string, string>): string | null {
  const state = worker === null ? undefined : busy.get(worker)
  return state === undefined ? null : `${worker} may still be at it (${state}): wait for it, end its agent, or use --force`
}

/** Asks the forge for the live claims on an issue that another ledger of this fleet wrote. */
export async function claimsElsewhere(issue: IssueRef, session: Session): Promise<OwnClaim[]> {
  const comments = await session.forge.comments(issue)
  return unknownClaims(issue, comments, await writersOf(repoOf(issue), session), session)
}

async function writersOf(repo: RepoRef, { forge, ledger }: Session): Promise<ReadonlySet<string>> {
  const kept = (await ledger.repos()).find((each) => each.repo === repo)?.writers
  return new Set(kept ?? (await forge.writers(repo)))
}

/** Edits their comments to say `released`, and has the issue judged again. Throws BurnError `forge_*`. */
export async function releaseElsewhere(
  issue: IssueRef,
  claims: readonly OwnClaim[],
  { forge, fleet, ledger, clock }: Session,
): Promise<void> {
  for (const { comment_id, dispatch } of claims) await forge.editComment(issue, comment_id, adoptedComment(fleet.name, dispatch))
  const record = await ledger.issue(issue)
  if (record?.verdict?.reason.code !== 'claimed_by_other_ledger') return
  const reason: Reason = { code: 'other_claim_released' }
  await ledger.saveVerdicts([{ issue, eligible: false, reason, standing: null, revision: record.revision }], clock.now())
}

/** For a person who asks for an issue that another ledger has. */
export function heldElsewhere(issue: IssueRef, { dispatch, worker }: OwnClaim): BurnError {
  return new BurnError(
    'other_ledger',
    `${issue} has a claim that another ledger of this fleet wrote (dispatch ${dispatch}${worker === null ? '' : `, ${worker}`})`,
    'write the place of that ledger under "ledger" in the spec; if it is lost, --force releases the claim',
  )
}
