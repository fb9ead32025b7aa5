/** Reads the forge into the ledger: what is new of each repo's issues, who may write, which changes are open. */
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError, messageWithHint, isLedgerFailure } from '../core/errors.ts'
import type { CycleView } from '../core/ledger.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { BacklogLedger } from '../core/ledger/backlog.ts'
import type { ForgeLedger, IssueListing, RepoRecord, ChangeListing } from '../core/ledger/forge.ts'
import type { Change, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, Clock, Forge, IssuePage } from '../core/ports.ts'
import { repoOf } from '../core/refs.ts'
import { trustedChange } from '../decide/changes.ts'
import { refusalScope } from '../decide/backoff.ts'
import { mapConcurrently, batchCalls } from '../core/concurrency.ts'

/** A complete listing is taken this often, for what a cursor can't tell: issues that were deleted or moved away. */
const relistAfter = 24 * 3_600_000
const writersCacheTtl = 3_600_000
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
  readonly ledger: ForgeLedger & Pick<BacklogLedger, 'issue'>
  readonly clock: Clock
}

/**
 * One request a repo where nothing is new, and one more where the fleet has work there that may have a change by now, or where the listing of issues came
 * across news of a change. A repo that fails is left out with its reason; the others go on. `quiet`: nothing of it becomes an event now.
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
  const busy = Map.groupBy<RepoRef, Since>([...handed, ...before.reviews], ({ issue }) => repoOf(issue))
  const known = [...new Set([...repos, ...records.keys()])]
  const asked = new Map<RepoRef, ReadonlySet<string>>()
  const writersOf = (repo: RepoRef) => asked.get(repo) ?? keptWriters(records.get(repo))
  const trusted = (repo: RepoRef, { changes }: ChangePage) => changes.map((change) => trustedChange(change, repo, known, writersOf))
  const save = pageSaver(ports, quiet)
  await mapConcurrently(repos, reposAtOnce, async (repo) => {
    try {
      const record = records.get(repo) ?? null
      const own = new Set(await refreshWriters(repo, record, ports))
      asked.set(repo, own)
      const page = await readIssues(repo, record, ports)
      const unread = record === null || record.changes_at === null || !sameWriters(record, own)
      const open = page.complete || unread ? await ports.forge.changes(repo, null) : null
      if (open !== null && !page.complete) news.push({ repo, changes: trusted(repo, open), complete: true })
      await saveIssues(repo, { page, open: open === null || !page.complete ? null : trusted(repo, open), record }, save, ports)
      skipped.push(...saidOf(repo, page.skipped), ...saidOf(repo, open?.skipped ?? []))
      writers.set(repo, own)
      if (open !== null) changesAt.set(repo, open.asked_at)
      const under = busy.get(repo)
      if (under === undefined && (open !== null || !hasNews(page, record))) return
      const looked = unread ? null : record.changes_at
      const seen = await ports.forge.changes(repo, changedSince(under ?? [], looked))
      news.push({ repo, changes: trusted(repo, seen), complete: false })
      changesAt.set(repo, seen.asked_at)
      skipped.push(...saidOf(repo, seen.skipped ?? []))
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      down.set(repo, messageWithHint(thrown))
    }
  })
  if (news.length > 0) await ports.ledger.saveChanges(news)
  if (!quiet) await saveUnread(repos, down, records, ports)
  return { repos_down: down, writers, changes: news.flatMap(({ changes }) => changes), changes_at: changesAt, skipped }
}

/** Whose changes count may be others than when they were read. */
function sameWriters({ writers }: RepoRecord, now: ReadonlySet<string>): boolean {
  return writers !== null && writers.length === now.size && writers.every((login) => now.has(login))
}

function keptWriters(record: RepoRecord | undefined): ReadonlySet<string> | undefined {
  return record?.writers == null ? undefined : new Set(record.writers)
}

/** A change may be written a little after the time that it bears, so one that is asked for too early is asked for again. */
const changeOverlap = 60_000

function hasNews({ changed_at }: IssuePage, record: RepoRecord | null): boolean {
  const newest = Math.max(changed_at ?? 0, record?.changed_at ?? 0)
  return newest > 0 && newest >= (record?.changes_at ?? 0) - changeOverlap
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
function pageSaver({ ledger, clock }: Ports, quiet: boolean) {
  return batchCalls(async (pages: readonly (IssueListing & { readonly id: RepoRef })[]) => {
    await ledger.saveIssues(pages, clock.now(), quiet)
    return pages
  })
}

function readIssues(repo: RepoRef, record: RepoRecord | null, { forge, clock }: Ports): Promise<IssuePage> {
  const relist = record?.listed_at == null || hasElapsed(record.listed_at, relistAfter, clock.now())
  return forge.issues(repo, relist ? null : record.cursor)
}

/** The open changes with the complete listing, or neither: a crash between the two would leave issues without theirs for a day. */
async function saveIssues(
  repo: RepoRef,
  { page, open, record }: { readonly page: IssuePage; readonly open: readonly Change[] | null; readonly record: RepoRecord | null },
  save: ReturnType<typeof pageSaver>,
  ports: Ports,
): Promise<void> {
  const { issues, cursor, complete, changed_at } = page
  // Where nothing is new there is nothing to write.
  if (!complete && issues.length === 0 && cursor === record?.cursor) return
  const gone = complete ? await confirmGone(repo, issues, ports) : []
  await save([{ id: repo, repo, issues: [...issues, ...gone], cursor, complete, changed_at, ...(open === null ? {} : { open }) }])
}

/** Kept for commands that do not ask the forge; written where it differs. */
async function saveUnread(
  repos: readonly RepoRef[],
  down: ReadonlyMap<RepoRef, string>,
  records: ReadonlyMap<RepoRef, RepoRecord>,
  { ledger, clock }: Ports,
): Promise<void> {
  const differing = repos.filter((repo) => (records.get(repo)?.unread?.why ?? null) !== (down.get(repo) ?? null))
  if (differing.length > 0) await ledger.saveUnread(new Map(differing.map((repo) => [repo, down.get(repo) ?? null])), clock.now())
}

function saidOf(repo: RepoRef, skipped: IssuePage['skipped']): string[] {
  return skipped.map(({ what, why }) => `${repo}: ${what} left out: ${why}`)
}

/**
 * Open issues that a complete listing no longer has, asked for one by one: a listing that moves while it is paged can
 * miss one, and a missed issue must not end its dispatch.
 */
async function confirmGone(repo: RepoRef, listed: readonly Issue[], { forge, ledger }: Omit<Ports, 'clock'>): Promise<Issue[]> {
  const seen = new Set(listed.map(({ ref }) => ref))
  const missing = (await ledger.openIssueRefs(repo)).filter((ref) => !seen.has(ref))
  const now = await mapConcurrently(missing, reposAtOnce, (ref) => asItIs(ref, { forge, ledger }))
  // What is not there at all is closed as the listing is saved.
  return now.filter((issue) => issue !== null)
}

/** One that is there and can't be read, because it is too big or malformed, is left as it was. */
async function asItIs(ref: IssueRef, { forge, ledger }: Pick<Ports, 'forge' | 'ledger'>): Promise<Issue | null> {
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
