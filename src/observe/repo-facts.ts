/** Reads facts about repos on the forge that rarely change. The ledger caches them, so that several processes share them. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { RepoRef, Time } from '../core/nouns.ts'
import type { SessionPart } from './session.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { blockingBranches, repoFault, type RepoFacts } from '../decide/repo-faults.ts'

/** Time (ms) for which burn keeps the facts of a repo without a fault. Facts that show a fault are not kept, because a person may fix it. */
const cacheTtl = 3_600_000

type Ports = SessionPart<Pick<JobLedger, 'loadValue' | 'saveValue'>, 'fleet' | 'forge' | 'clock'>

/**
 * Returns the facts about a repo. Asks the forge at most once an hour: one request, and one more for each branch that could block the
 * branches of dispatches. Throws BurnError `forge_*`.
 */
export async function repoFacts(repo: RepoRef, { fleet, forge, ledger, clock }: Ports): Promise<RepoFacts> {
  const prefix = fleet.dispatch.branch_prefix
  const key = `repo_facts ${prefix} ${repo}`
  const stored = await ledger.loadValue(key)
  // Only this function writes this value, so it has this type.
  const cached = stored === null ? null : (JSON.parse(stored) as { at: Time; facts: RepoFacts })
  const now = clock.now()
  if (cached !== null && !hasElapsed(cached.at, cacheTtl, now)) return cached.facts
  const facts = await readFacts(repo, prefix, forge)
  if (repoFault(repo, facts) === null) await ledger.saveValue(key, JSON.stringify({ at: now, facts }))
  return facts
}

/** Reads the facts about a repo from the forge. Throws BurnError `forge_*`. */
export async function readFacts(repo: RepoRef, branch_prefix: string, forge: Ports['forge']): Promise<RepoFacts> {
  const rights = await forge.rights(repo)
  let blocking_branch: string | null = null
  if (rights.exists)
    for (const branch of blockingBranches(branch_prefix)) if (await forge.hasBranch(repo, branch)) blocking_branch ??= branch
  return { ...rights, blocking_branch }
}

/** Returns the base branch of a repo's changes: the one in the spec, otherwise the default branch on the forge. Throws BurnError `forge_*`. */
export async function baseOf(repo: RepoRef, session: Ports): Promise<string> {
  const written = session.fleet.repos.find((settings) => settings.repo === repo)?.base
  return written ?? (await repoFacts(repo, session)).default_branch ?? 'main'
}

/** Returns the clone URL of a repo: the one in the spec, otherwise the one that the forge gives. */
export function cloneUrlOf(repo: RepoRef, { fleet, forge }: Pick<Ports, 'fleet' | 'forge'>): string {
  return fleet.repos.find((settings) => settings.repo === repo)?.clone_url ?? forge.access(repo, '').clone_url
}
