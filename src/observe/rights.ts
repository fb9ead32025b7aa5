/** Who may still write, asked right before a claim: the answer is kept for a minute. */
import type { ReposFacet } from '../core/fleet-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { hasPassed } from '../core/elapsed.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { mapBounded } from '../core/concurrency.ts'

/** How long an answer about a repo's writers is good for a claim, milliseconds. */
const rightsKept = 60_000
const reposAtOnce = 8

/**
 * Asks who may still write to these repos, at most once a repo and minute. Returns the state with the answers; the same state if nobody lost a right. A repo
 * that can't be asked is missing from its writers, so that nothing of it is claimed.
 */
export async function withRights<S extends Pick<ReposFacet, 'writers'>>(repos: readonly RepoRef[], state: S, session: Session): Promise<S> {
  const { fleet, forge, ledger, clock, notify } = session
  if (fleet.dispatch.trust.authors !== 'writers' || repos.length === 0) return state
  const records = new Map((await ledger.repos()).map((record) => [record.repo, record]))
  const writers = new Map(state.writers)
  let changed = false
  await mapBounded([...new Set(repos)], reposAtOnce, async (repo) => {
    const record = records.get(repo)
    const known = record?.writers ?? null
    if (known === null) return
    let still = known
    try {
      if (record?.rights_at == null || hasPassed(record.rights_at, rightsKept, clock.now())) {
        const answered = new Set(await forge.writers(repo, known))
        still = known.filter((login) => answered.has(login))
        await ledger.saveWriters(repo, still, { listed: false }, clock.now())
      }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      notify({ kind: 'repo.rights_unknown', subject: repo, payload: { why: messageOf(thrown) } })
      changed = writers.delete(repo) || changed
      return
    }
    const before = state.writers.get(repo)
    if (before === undefined || (before.size === still.length && still.every((login) => before.has(login)))) return
    writers.set(repo, new Set(still))
    changed = true
  })
  return changed ? { ...state, writers } : state
}
