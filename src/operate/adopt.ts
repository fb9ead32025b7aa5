/** `burn ledger adopt`: a person who lost a ledger goes on with this one. */
import type { IssueRef } from '../core/nouns.ts'
import type { OwnClaim } from '../decide/marker.ts'
import type { Session } from '../observe/session.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { servedRepos } from '../core/refs.ts'
import { mapBounded } from '../core/bounded.ts'
import { unknownClaims, releaseElsewhere } from '../claim/other-ledgers.ts'
import { refreshForge } from '../observe/forge.ts'
import { readWorkers } from '../observe/readings.ts'
import { lookAt } from '../observe/state.ts'

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
  const { writers, repos_down } = await refreshForge(repos, await ledger.underWay(), session)
  const busy = force ? new Map<string, string>() : await atWork(session)
  const open = (await ledger.open()).map(({ issue }) => issue).filter(({ repo, comments }) => writers.has(repo) && comments > 0)
  const kept = [...repos_down].map(([what, why]) => ({ what, why }))
  const released: Adopted['released'][number][] = []
  await mapBounded(open, atOnce, async ({ ref, repo }) => {
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
  const sights = readWorkers(machines, await lookAt(machines, session), session.kindOf)
  return new Map(sights.flatMap(({ worker, reading: { state } }) => (state === 'idle' || state === 'dead' ? [] : [[worker.id, state]])))
}

function whyKept({ worker }: OwnClaim, busy: ReadonlyMap<string, string>): string | null {
  const state = worker === null ? undefined : busy.get(worker)
  return state === undefined ? null : `${worker} may still be at it (${state}): wait for it, end its agent, or use --force`
}
