/** Reads the forge into the ledger: new and changed issues of each repo, its writers and its open changes. */
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError, messageWithHint, isLedgerFailure } from '../core/errors.ts'
import type { CycleView } from '../core/ledger.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { BacklogLedger } from '../core/ledger/backlog.ts'
import type { ForgeLedger, IssueListing, RepoRecord, ChangeListing } from '../core/ledger/forge.ts'
import type { SteeringLedger } from '../core/ledger/steering.ts'
import type { Notice } from '../core/events.ts'
import type { Change, Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, Clock, Forge, IssuePage } from '../core/ports.ts'
import { hashOfText } from '../core/random.ts'
import { repoOf } from '../core/refs.ts'
import { trustedChange } from '../decide/changes.ts'
import { refusalScope } from '../decide/backoff.ts'
import { mapConcurrently, batchCalls } from '../core/concurrency.ts'
import { readRepoSteering, type RepoSteering } from './steering.ts'

/** The interval (ms) between complete listings of a repo's issues. It grows by `per_thousand` for each 1,000 open issues, up to `longest`. */
const relistIntervals = { per_thousand: 3_600_000, longest: 24 * 3_600_000 }
/** Time (ms) for which burn keeps the list of a repo's writers (the accounts with write access). */
const writersCacheTtl = 3_600_000
/** Maximum number of concurrent reads of repos, and of issues. */
const concurrency = 8

/** The state of the forge in one cycle. */
export interface ForgeView {
  /** The repos that burn could not read, each with the reason. */
  readonly repos_down: ReadonlyMap<RepoRef, string>
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  readonly changes: readonly Change[]
  /** The time (by the forge's clock) at which burn listed each repo's changes. burn saves it only after the cycle has acted on the changes. */
  readonly changes_at: ReadonlyMap<RepoRef, Time>
  /** The new comments with commands, by repo. */
  readonly steering: readonly RepoSteering[]
  /** Messages about issues and changes that burn skipped, because the forge's answer about them was malformed or incomplete. */
  readonly skipped: readonly string[]
}

interface Ports {
  readonly forge: Forge
  readonly ledger: ForgeLedger & SteeringLedger & Pick<BacklogLedger, 'issue'>
  readonly clock: Clock
  readonly notify: (notice: Notice) => void
}

/**
 * Reads new issues and changes of all repos, and saves them in the ledger. Returns the state of the forge for a cycle. Makes one request
 * per repo if nothing is new. Makes another request for comments if an issue moved. Makes another request, for changes, if a dispatch may
 * have a change or the listing of issues showed a newer change. If burn cannot read a repo, the reason is in `repos_down`. With `quiet` it
 * writes no events.
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
  const steering: RepoSteering[] = []
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
      const commands = await readRepoSteering({ repo, page, record, asked_at: open?.asked_at ?? null, writers: own }, ports)
      steering.push(commands)
      if (commands.writers !== null) writers.set(repo, commands.writers)
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
  return { repos_down: down, writers, changes: news.flatMap(({ changes }) => changes), changes_at: changesAt, steering, skipped }
}

/** Whether a repo has the same writers as at the last listing of its changes. If not, burn lists the changes again: only changes of writers count. */
function sameWriters({ writers }: RepoRecord, now: ReadonlySet<string>): boolean {
  return writers !== null && writers.length === now.size && writers.every((login) => now.has(login))
}

function storedWriters(record: RepoRecord | undefined): ReadonlySet<string> | undefined {
  return record?.writers == null ? undefined : new Set(record.writers)
}

/** Overlap of two listings of changes (ms). A forge may publish a change a little later than the timestamp of the change says. */
const changeOverlap = 60_000

function hasNews({ changed_at }: IssuePage, record: RepoRecord | null): boolean {
  const newest = Math.max(changed_at ?? 0, record?.changed_at ?? 0)
  return newest > 0 && newest >= (record?.changes_at ?? 0) - changeOverlap
}

type Since = Pick<LiveDispatch, 'issue' | 'claimed_at' | 'handed_at'>

/**
 * Returns the time of the oldest change that may be new. It is the time of the last listing, or the claim time of a dispatch that was
 * claimed before this listing and handed after it. The change of such a dispatch may be older than the `handed_at` of the dispatch.
 */
function changedSince(work: readonly Since[], lastListed: Time | null): Time {
  const later = work.filter(({ handed_at }) => lastListed === null || (handed_at ?? 0) >= lastListed).map(({ claimed_at }) => claimed_at)
  return Math.min(lastListed ?? Infinity, ...later)
}

/** Returns a function that saves pages of issues. During a write it collects pages, and saves them together in the next write. */
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
 * Returns the interval (ms) between complete listings of a repo with this number of open issues. Only a complete listing shows that a label
 * was renamed or deleted, or that an issue was deleted or moved. The interval is up to a quarter shorter, by a hash of the repo's name, so
 * that burn does not list all repos in one cycle.
 */
export function relistInterval(repo: RepoRef, openIssues: number): number {
  const { per_thousand, longest } = relistIntervals
  const interval = Math.min(longest, per_thousand * Math.max(1, Math.ceil(openIssues / 1000)))
  return Math.round(interval * (1 - hashOfText(repo) / 2 ** 32 / 4))
}

/**
 * Saves a page of issues, together with the repo's open changes if burn has read them. The function makes only one write: after a crash
 * between two writes, issues would lack their changes for up to a day.
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

/** Saves for each repo whether burn could read it, for commands that make no request to the forge. Writes only repos with a new result. */
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
 * Returns issues that are open in the ledger but missing in a complete listing, as they are on the forge now. Makes one request for each of
 * these issues. A listing that changes while burn reads its pages can miss an open issue, and such a miss must not end the issue's
 * dispatch.
 */
async function confirmGone(repo: RepoRef, listed: readonly Issue[], { forge, ledger }: Omit<Ports, 'clock'>): Promise<Issue[]> {
  const seen = new Set(listed.map(({ ref }) => ref))
  const missing = (await ledger.openIssueRefs(repo)).filter((ref) => !seen.has(ref))
  const now = await mapConcurrently(missing, concurrency, (ref) => currentIssue(ref, { forge, ledger }))
  // The forge no longer has the issues that are null. `saveIssues` closes these issues in the ledger, because the listing is complete.
  return now.filter((issue) => issue !== null)
}

/** Returns an issue as it is on the forge; null if the forge no longer has it. If burn cannot parse the issue, it returns the stored one. */
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
