/** Reads the forge into the ledger: what is new of each repo's issues, who may write, which changes are open. */
import { hasPassed } from '../core/elapsed.ts'
import { adviceOf, isLedgerFailure } from '../core/errors.ts'
import type { LiveDispatch, Ledger, RepoPage, UnderWay } from '../core/ledger.ts'
import type { RepoRecord } from '../core/rest-ledger.ts'
import type { Change, Issue, RepoRef, Time } from '../core/nouns.ts'
import type { Clock, Forge, IssuePage } from '../core/ports.ts'
import { repoOf } from '../core/refs.ts'
import { mapBounded } from './bounded.ts'
import { together } from './together.ts'

/** A complete listing is taken this often, for what a cursor can't tell: issues that were deleted or moved away. */
const relistAfter = 24 * 3_600_000
const writersKept = 3_600_000
const reposAtOnce = 8

export interface ForgeView {
  readonly repos_down: ReadonlyMap<RepoRef, string>
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  readonly changes: readonly Change[]
  /** When each repo's changes were asked for, by the forge's clock: to be saved once they have been acted on. */
  readonly changes_at: ReadonlyMap<RepoRef, Time>
  /** Issues that the forge gave malformed or in part, said once a cycle. */
  readonly skipped: readonly string[]
}

interface Ports {
  readonly forge: Forge
  readonly ledger: Ledger
  readonly clock: Clock
}

/**
 * One request a repo where nothing is new, and one more where the fleet has work there that may have a change by now. A repo that
 * fails is left out with its reason; the others go on.
 */
export async function refreshForge(
  repos: readonly RepoRef[],
  before: Pick<UnderWay, 'dispatches' | 'reviews' | 'repos'>,
  ports: Ports,
): Promise<ForgeView> {
  const { forge } = ports
  const down = new Map<RepoRef, string>()
  const writers = new Map<RepoRef, ReadonlySet<string>>()
  const changes: Change[] = []
  const changesAt = new Map<RepoRef, Time>()
  const skipped: string[] = []
  const records = new Map(before.repos.map((record) => [record.repo, record]))
  const handed = before.dispatches.filter((d) => d.kind === 'work' && d.state === 'handed')
  const busy = Map.groupBy<RepoRef, Since>([...handed, ...before.reviews], ({ issue }) => repoOf(issue))
  const save = pageSaver(ports)
  await mapBounded(repos, reposAtOnce, async (repo) => {
    try {
      const record = records.get(repo) ?? null
      skipped.push(...(await refreshIssues(repo, record, save, ports)))
      writers.set(repo, new Set(await refreshWriters(repo, record, ports)))
      const under = busy.get(repo)
      if (under !== undefined) {
        const page = await forge.changes(repo, changedSince(under, record?.changes_at ?? null))
        changes.push(...page.changes)
        changesAt.set(repo, page.asked_at)
      }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      down.set(repo, adviceOf(thrown))
    }
  })
  return { repos_down: down, writers, changes, changes_at: changesAt, skipped }
}

type Since = Pick<LiveDispatch, 'issue' | 'claimed_at' | 'handed_at'>

/**
 * From when on a change may be news: since the last look, and since the claim of whatever was handed after that look, whose change may
 * have been opened before it counted as handed.
 */
function changedSince(under: readonly Since[], looked: Time | null): Time {
  const later = under.filter(({ handed_at }) => looked === null || (handed_at ?? 0) >= looked).map(({ claimed_at }) => claimed_at)
  return Math.min(looked ?? Infinity, ...later)
}

/** Pages that come while others are written are written together. */
function pageSaver({ ledger, clock }: Ports) {
  return together(async (pages: readonly (RepoPage & { readonly id: RepoRef })[]) => {
    await ledger.saveIssues(pages, clock.now())
    return pages
  })
}

async function refreshIssues(
  repo: RepoRef,
  record: RepoRecord | null,
  save: ReturnType<typeof pageSaver>,
  { forge, ledger, clock }: Ports,
): Promise<string[]> {
  const now = clock.now()
  const relist = record?.listed_at == null || hasPassed(record.listed_at, relistAfter, now)
  const page = await forge.issues(repo, relist ? null : record.cursor)
  // Where nothing is new there is nothing to write.
  if (!page.complete && page.issues.length === 0 && page.cursor === record?.cursor) return saidOf(repo, page)
  const gone = page.complete ? await confirmGone(repo, page.issues, { forge, ledger }) : []
  await save([{ id: repo, repo, issues: [...page.issues, ...gone], cursor: page.cursor, complete: page.complete }])
  return saidOf(repo, page)
}

function saidOf(repo: RepoRef, { skipped }: IssuePage): string[] {
  return skipped.map(({ what, why }) => `${repo}: ${what} left out: ${why}`)
}

/**
 * Open issues that a complete listing no longer has, asked for one by one: a listing that moves while it is paged can
 * miss one, and a missed issue must not end its dispatch.
 */
async function confirmGone(repo: RepoRef, listed: readonly Issue[], { forge, ledger }: Omit<Ports, 'clock'>): Promise<Issue[]> {
  const seen = new Set(listed.map(({ ref }) => ref))
  const missing = (await ledger.openIn(repo)).filter((ref) => !seen.has(ref))
  const now = await mapBounded(missing, reposAtOnce, (ref) => forge.issue(ref))
  // What is not there at all is closed as the listing is saved.
  return now.filter((issue) => issue !== null)
}

async function refreshWriters(repo: RepoRef, record: RepoRecord | null, { forge, ledger, clock }: Ports): Promise<readonly string[]> {
  const now = clock.now()
  if (record?.writers != null && record.writers_at !== null && !hasPassed(record.writers_at, writersKept, now)) return record.writers
  const writers = await forge.writers(repo)
  await ledger.saveWriters(repo, writers, now)
  return writers
}
