/** `burn ledger release-claims`: releases the claims of a lost ledger, so that this ledger can dispatch those issues. */
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

const maxConcurrentReads = 16

/** The result of `adopt`. */
export interface Adopted {
  /** The released claims; in a dry run, the claims to release. */
  readonly released: readonly { readonly issue: IssueRef; readonly dispatch: string; readonly worker: string | null }[]
  /** Issues whose claim burn did not release, and repos that it could not read, each with the reason. */
  readonly kept: readonly { readonly what: string; readonly why: string }[]
}

/**
 * Releases every claim that another ledger of this fleet wrote on an open issue. It edits the comment to say `released`, so that burn can
 * dispatch the issue. Without `force`, it keeps a claim whose worker may still be working. It reads the comments of each open issue that
 * has comments. Throws if the ledger fails.
 */
export async function adopt({ dryRun, force }: { readonly dryRun: boolean; readonly force: boolean }, session: Session): Promise<Adopted> {
  const { fleet, ledger, forge } = session
  const repos = [...new Set([...servedRepos(fleet.machines), ...(fleet.sprint?.repos ?? [])])]
  const { writers, repos_down } = await refreshForge(repos, await ledger.cycleView(), session)
  const busy = force ? new Map<string, string>() : await busyWorkers(session)
  const open = (await ledger.openIssues()).map(({ issue }) => issue).filter(({ repo, comments }) => writers.has(repo) && comments > 0)
  const kept = [...repos_down].map(([what, why]) => ({ what, why }))
  const released: Adopted['released'][number][] = []
  await mapConcurrently(open, maxConcurrentReads, async ({ ref, repo }) => {
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

/** Returns the ids of the workers that may be working, with their states. A worker on an unreachable machine may be working. */
async function busyWorkers(session: Session): Promise<ReadonlyMap<string, string>> {
  const { machines } = session.fleet
  const snapshots = readWorkers(machines, await readMachines(machines, session), session.kindOf)
  return new Map(snapshots.flatMap(({ worker, reading: { state } }) => (state === 'idle' || state === 'dead' ? [] : [[worker.id, state]])))
}

function whyKept({ worker }: OwnClaim, busy: ReadonlyMap<string, string>): string | null {
  const state = worker === null ? undefined : busy.get(worker)
  return state === undefined
    ? null
    : `${worker} may still be working on the issue (${state}): wait, end the agent of this worker, or use --force`
}

/**
 * Returns the live claims that another ledger of this fleet wrote on an issue. Reads the comments of the issue from the forge. Throws
 * BurnError `forge_*`.
 */
export async function claimsElsewhere(issue: IssueRef, session: Session): Promise<OwnClaim[]> {
  const comments = await session.forge.comments(issue)
  return unknownClaims(issue, comments, await writersOf(repoOf(issue), session), session)
}

async function writersOf(repo: RepoRef, { forge, ledger }: Session): Promise<ReadonlySet<string>> {
  const cached = (await ledger.repos()).find((each) => each.repo === repo)?.writers
  return new Set(cached ?? (await forge.writers(repo)))
}

/** Edits the comments of claims to say `released`, so that the next cycle decides about the issue again. Throws BurnError `forge_*`. */
export async function releaseElsewhere(
  issue: IssueRef,
  claims: readonly OwnClaim[],
  { forge, fleet, ledger, clock }: Session,
): Promise<void> {
  for (const { comment_id, dispatch } of claims)
    await forge.editComment(issue, comment_id, adoptedComment({ fleet: fleet.name, branch_prefix: fleet.dispatch.branch_prefix, dispatch }))
  const record = await ledger.issue(issue)
  if (record?.verdict?.reason.code !== 'claimed_by_other_ledger') return
  const reason: Reason = { code: 'other_claim_released' }
  await ledger.saveVerdicts([{ issue, eligible: false, reason, standing: null, revision: record.revision }], clock.now())
}

/** Returns the error for an issue that a person wants to release and that another ledger has claimed. */
export function heldElsewhere(issue: IssueRef, { dispatch, worker }: OwnClaim): BurnError {
  return new BurnError(
    'other_ledger',
    `${issue} has a claim that another ledger of this fleet wrote (dispatch ${dispatch}${worker === null ? '' : `, ${worker}`})`,
    'use the other ledger: write its location under "ledger" in the spec. If it is lost, release the claim with --force',
  )
}
