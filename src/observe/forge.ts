/** Reads the forge into the ledger: new and changed issues of each repo, its writers and its open changes. */
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError, messageWithHint, isLedgerFailure } from '../core/errors.ts'
import type { CycleView } from '../core/ledger.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { BacklogLedger } from '../core/ledger/backlog.ts'
import type { ForgeLedger, IssueListing, RepoRecord, ChangeListing } from '../core/ledger/forge.ts'
import type { Change, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, Clock, Forge, IssuePage } from '../core/ports.ts'
import { hashOfText } from '../core/random.ts'
import { repoOf } from '../core/refs.ts'
import { trustedChange } from '../decide/changes.ts'
import { refusalScope } from '../decide/backoff.ts'
import { mapConcurrently, batchCalls } from '../core/concurrency.ts'

/** The interval (ms) between complete listings, for each 1,000 open issues of a repo, and its limit. */
const relistIntervals = { per_thousand: 3_600_000, longest: 24 * 3_600_000 }
/** Lifetime of the cached writers of a repo (ms). */
const writersCacheTtl = 3_600_000
/** Number of repos and issues that are read concurrently. */
const concurrency = 8

/** The state of the forge in one cycle. */
export interface ForgeView {
  /** The reasons of repos that could not be read. */
  readonly repos_down: ReadonlyMap<RepoRef, string>
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  readonly changes: readonly Change[]
  /** The time (forge's clock) of each repo's listing of changes. It is saved only after the cycle has acted on the changes. */
  readonly changes_at: ReadonlyMap<RepoRef, Time>
  /** Texts about issues and changes that burn left out, because the forge's answer was malformed or incomplete. */
  readonly skipped: readonly string[]
}

interface Ports {
  readonly forge: Forge
  readonly ledger: ForgeLedger & Pick<BacklogLedger, 'issue'>
  readonly clock: Clock
}

/**
 * Reads all repos into the ledger, and returns what a cycle needs. Makes one request per repo if nothing is new, and a second one if a
 * dispatch there may have a change, or if the listing of issues showed a newer change. A repo that fails is left out, with its reason.
 * `quiet`: writes no events.
 */
export async function refreshForge(
  repos: readonly RepoRef[],
  before: Pick<CycleView, 'dispatches' | 'reviews' | 'repos'>,
  ports: Ports,
  quiet = false,
): Promise<ForgeView> {
  const down = new Map<RepoRef, string>()
  const writers = new Map<RepoRef, ReadonlySet<string>>()
  const news: ChangeListing[] = []
  const changesAt = new Map<RepoRef, Time>()
  const skipped: string[] = []
  const records = new Map(before.repos.map((record) => [record.repo, record]))
  const handed = before.dispatches.filter((d) => d.kind === 'work' && d.state === 'handed')
  const workByRepo = Map.groupBy<RepoRef, Since>([...handed, ...before.reviews], ({ issue }) => repoOf(issue))
  const known = [...new Set([...repos, ...records.keys()])]
  const freshWriters = new Map<RepoRef, ReadonlySet<string>>()
  const writersOf = (repo: RepoRef) => freshWriters.get(repo) ?? storedWriters(records.get(repo))
  const trusted = (repo: RepoRef, { changes }: ChangePage) => changes.map((change) => trustedChange(change, repo, known, writersOf))
  const save = pageSaver(ports, quiet)
  await mapConcurrently(repos, concurrency, async (repo) => {
    try {
      const record = records.get(repo) ?? null
      const own = new Set(await refreshWriters(repo, record, ports))
      freshWriters.set(repo, own)
      const page = await readIssues(repo, record, ports)
      const isFirstListing = record === null || record.changes_at === null || !sameWriters(record, own)
      const open = page.complete || isFirstListing ? await ports.forge.changes(repo, null) : null
      if (open !== null && !page.complete) news.push({ repo, changes: trusted(repo, open), complete: true })
      await saveIssues(repo, { page, open: open === null || !page.complete ? null : trusted(repo, open), record }, save, ports)
      skipped.push(...skippedTexts(repo, page.skipped), ...skippedTexts(repo, open?.skipped ?? []))
      writers.set(repo, own)
      if (open !== null) changesAt.set(repo, open.asked_at)
      const work = workByRepo.get(repo)
      if (work === undefined && (open !== null || !hasNews(page, record))) return
      const lastListed = isFirstListing ? null : record.changes_at
      const seen = await ports.forge.changes(repo, changedSince(work ?? [], lastListed))
      news.push({ repo, changes: trusted(repo, seen), complete: false })
      changesAt.set(repo, seen.asked_at)
      skipped.push(...skippedTexts(repo, seen.skipped ?? []))
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      down.set(repo, messageWithHint(thrown))
    }
  })
  if (news.length > 0) await ports.ledger.saveOpenChanges(news)
  if (!quiet) await saveUnread(repos, down, records, ports)
  return { repos_down: down, writers, changes: news.flatMap(({ changes }) => changes), changes_at: changesAt, skipped }
}

/** Whether the writers are those of the last listing of changes. If not, other changes may now count, and the list is read again. */
function sameWriters({ writers }: RepoRecord, now: ReadonlySet<string>): boolean {
  return writers !== null && writers.length === now.size && writers.every((login) => now.has(login))
}

function storedWriters(record: RepoRecord | undefined): ReadonlySet<string> | undefined {
  return record?.writers == null ? undefined : new Set(record.writers)
}

/** Overlap of two listings (ms). The forge may write a change a little later than its timestamp, so a listing can miss it at first. */
const changeOverlap = 60_000

function hasNews({ changed_at }: IssuePage, record: RepoRecord | null): boolean {
  const newest = Math.max(changed_at ?? 0, record?.changed_at ?? 0)
  return newest > 0 && newest >= (record?.changes_at ?? 0) - changeOverlap
}

type Since = Pick<LiveDispatch, 'issue' | 'claimed_at' | 'handed_at'>

/**
 * Returns the time since which a change may be new: the last listing, or the claim of a dispatch handed after it. Such a dispatch's change
 * may be older than its `handed_at`.
 */
function changedSince(work: readonly Since[], lastListed: Time | null): Time {
  const later = work.filter(({ handed_at }) => lastListed === null || (handed_at ?? 0) >= lastListed).map(({ claimed_at }) => claimed_at)
  return Math.min(lastListed ?? Infinity, ...later)
}

/** Returns a function that saves pages. Pages that arrive during a write are saved together in the next one. */
function pageSaver({ ledger, clock }: Ports, quiet: boolean) {
  return batchCalls(async (pages: readonly (IssueListing & { readonly id: RepoRef })[]) => {
    await ledger.saveIssues(pages, clock.now(), quiet)
    return pages
  })
}

async function readIssues(repo: RepoRef, record: RepoRecord | null, ports: Ports): Promise<IssuePage> {
  const relist = record?.listed_at == null || (await isRelistDue(repo, record.listed_at, ports))
  return ports.forge.issues(repo, relist ? null : record.cursor)
}

async function isRelistDue(repo: RepoRef, listedAt: Time, { ledger, clock }: Ports): Promise<boolean> {
  const now = clock.now()
  if (!hasElapsed(listedAt, relistInterval(repo, 0), now)) return false
  return hasElapsed(listedAt, relistInterval(repo, await ledger.countOpenIssues(repo)), now)
}

/**
 * Returns the interval (ms) between complete listings of a repo with this number of open issues. Only they show that a label was renamed or
 * deleted, or that an issue was deleted or moved. Each repo gets up to a quarter less, so that repos are not listed all in one cycle.
 */
export function relistInterval(repo: RepoRef, openIssues: number): number {
  const { per_thousand, longest } = relistIntervals
  const interval = Math.min(longest, per_thousand * Math.max(1, Math.ceil(openIssues / 1000)))
  return Math.round(interval * (1 - hashOfText(repo) / 2 ** 32 / 4))
}

/**
 * Saves the open changes and the complete listing in one write. After a crash between two writes, issues would lack their changes for a
 * day.
 */
async function saveIssues(
  repo: RepoRef,
  { page, open, record }: { readonly page: IssuePage; readonly open: readonly Change[] | null; readonly record: RepoRecord | null },
  save: ReturnType<typeof pageSaver>,
  ports: Ports,
): Promise<void> {
  const { issues, cursor, complete, changed_at } = page
  if (!complete && issues.length === 0 && cursor === record?.cursor) return
  const gone = complete ? await confirmGone(repo, issues, ports) : []
  await save([
    { id: repo, repo, issues: [...issues, ...gone], cursor, complete, changed_at, ...(open === null ? {} : { open_changes: open }) },
  ])
}

/** Saves which repos could not be read, for commands that do not ask the forge. Writes only what changed. */
async function saveUnread(
  repos: readonly RepoRef[],
  down: ReadonlyMap<RepoRef, string>,
  records: ReadonlyMap<RepoRef, RepoRecord>,
  { ledger, clock }: Ports,
): Promise<void> {
  const changed = repos.filter((repo) => (records.get(repo)?.unread?.why ?? null) !== (down.get(repo) ?? null))
  if (changed.length > 0) await ledger.saveUnread(new Map(changed.map((repo) => [repo, down.get(repo) ?? null])), clock.now())
}

function skippedTexts(repo: RepoRef, skipped: IssuePage['skipped']): string[] {
  return skipped.map(({ what, why }) => `${repo}: skipped ${what}: ${why}`)
}

/**
 * Returns the current state of open issues that a complete listing no longer has, one request each. A listing that changes while burn pages
 * through it can miss an issue, and a missed issue must not end its dispatch.
 */
async function confirmGone(repo: RepoRef, listed: readonly Issue[], { forge, ledger }: Omit<Ports, 'clock'>): Promise<Issue[]> {
  const seen = new Set(listed.map(({ ref }) => ref))
  const missing = (await ledger.openIssueRefs(repo)).filter((ref) => !seen.has(ref))
  const now = await mapConcurrently(missing, concurrency, (ref) => currentIssue(ref, { forge, ledger }))
  // Saving the listing closes issues that do not exist.
  return now.filter((issue) => issue !== null)
}

/** Returns the stored issue if the forge has it but burn cannot read it, because it is too big or malformed. */
async function currentIssue(ref: IssueRef, { forge, ledger }: Pick<Ports, 'forge' | 'ledger'>): Promise<Issue | null> {
  try {
    return await forge.issue(ref)
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || refusalScope(thrown.code) !== 'issue') throw thrown
    return (await ledger.issue(ref))?.issue ?? null
  }
}

async function refreshWriters(repo: RepoRef, record: RepoRecord | null, { forge, ledger, clock }: Ports): Promise<readonly string[]> {
  const now = clock.now()
  if (record?.writers != null && record.writers_at !== null && !hasElapsed(record.writers_at, writersCacheTtl, now)) return record.writers
  const writers = await forge.writers(repo)
  await ledger.saveWriters(repo, writers, { listed: true }, now)
  return writers
}
