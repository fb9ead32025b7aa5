/** Reads the changes in review from the forge, as seldom as possible, and returns them with the steps that burn took. */
import type { ChangeRef, ChangeState, Protection } from '../core/change-state.ts'
import type { ReviewedChange } from '../core/fleet-state.ts'
import type { DispatchInReview, ReadChange, WatchedChange } from '../core/ledger/changes.ts'
import type { ChangeSnapshot, ChangeStep } from '../core/change-loop.ts'
import type { Change, RepoRef, Time } from '../core/nouns.ts'
import type { Forge } from '../core/ports.ts'
import type { ForgeView } from './forge.ts'
import type { Session } from './session.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { BurnError, isLedgerFailure, messageWithHint } from '../core/errors.ts'
import { changeRef, repoOf } from '../core/refs.ts'
import { decideChange, recentRerun } from '../decide/change.ts'
import { changePolicy } from '../decide/change-policy.ts'
import { countedReviews } from '../decide/change-reviews.ts'
import { protectedAmong } from '../decide/protect.ts'
import { ownLogin } from './own-login.ts'
import { baseOf } from './repo-facts.ts'

/** A change without news is read again after this number of intervals of the dispatcher. */
const cyclesBetweenReads = 20
/** The time (ms) after the last update of a change in which burn expects its first check. */
const firstChecksWithin = 15 * 60_000
/** Maximum number of changes that burn reads at the same time. */
const concurrency = 8

type Reading = Omit<ReadChange, 'approvals'>

/**
 * Returns the changes in review. Reads a change from the forge if the forge listed it as updated, if its checks are pending, if burn would
 * merge it, or if burn has not read it for `cyclesBetweenReads`. burn keeps the last facts about all other changes. A change that burn
 * cannot read is left out.
 */
export async function readChangesInReview(
  forge: Pick<ForgeView, 'changes' | 'writers' | 'repos_down'>,
  session: Session,
): Promise<readonly ReviewedChange[]> {
  const { ledger, clock, notify } = session
  const view = await ledger.reviewView()
  if (view.dispatches.length === 0) return []
  const login = await ownLogin(session)
  if (login === null) return []
  const now = clock.now()
  const reader = new ChangeReader(session, now)
  const news = new Map(forge.changes.map((change) => [change.url, change]))
  const readings: ReadChange[] = []
  const steps = Map.groupBy(view.steps, ({ dispatch }) => dispatch)
  const found = await mapConcurrently(view.dispatches, concurrency, async (dispatch): Promise<ReviewedChange[]> => {
    const history = steps.get(dispatch.id) ?? []
    const repo = repoOf(dispatch.issue)
    const writers = forge.writers.get(repo)
    if (writers === undefined || forge.repos_down.has(repo)) return []
    try {
      const repo_base = await reader.repoBase(repo)
      const due = dueReading({ ...dispatch, history }, news, now, session)
      const read = (what: DueReading) => reader.read(dispatch, what, news.get(dispatch.change_url))
      const review = (found: Reading | null) =>
        found === null ? null : reviewedChange(dispatch, found, history, { login, writers, repo_base })
      let reading: Reading | null = due === null ? dispatch.watched : await read(due)
      // burn merges only what it read in the same cycle: a person may run a green check again, or dismiss a review. The forge lists neither.
      if (due !== 'all' && mayMerge(review(reading), session)) reading = await read('all')
      const reviewed = review(reading)
      if (reviewed !== null && reading !== null && reading !== dispatch.watched)
        readings.push({ ...reading, approvals: approvalsIn(reviewed, session) })
      return reviewed === null ? [] : [reviewed]
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      notify({ kind: 'forge.skipped', subject: repo, payload: { what: `${dispatch.change_url}: ${messageWithHint(thrown)}` } })
      return []
    }
  })
  await ledger.saveChanges(readings, now)
  return found.flat()
}

/** Returns the approvals of a change that count. */
function approvalsIn({ snapshot }: ReviewedChange, { fleet }: Session): ReadChange['approvals'] {
  return countedReviews(snapshot, changePolicy(fleet, snapshot.repo)).filter(({ state }) => state === 'approved')
}

/** `all`: burn reads all facts about a change. `checks`: burn reads only its checks. After a push, the forge lists the change as updated. */
type DueReading = 'all' | 'checks'

function dueReading(
  { watched, change_url, history }: DispatchInReview & { readonly history: readonly ChangeStep[] },
  news: ReadonlyMap<string, Change>,
  now: Time,
  { fleet }: Session,
): DueReading | null {
  if (watched === null || news.has(change_url) || now - watched.read_at >= cyclesBetweenReads * fleet.dispatch.interval) return 'all'
  const { mergeable, checks } = watched.state
  if ((mergeable === 'unknown' && watched.state.base_sha !== null) || watched.stage === 'merging' || watched.stage === 'ready') return 'all'
  // A forge does not list a change as updated when its first check begins.
  const mayBegin = checks.length === 0 && now - watched.state.updated_at < firstChecksWithin
  const isRerun = recentRerun(history, watched.state.sha, now) !== undefined
  return mayBegin || isRerun || checks.some((check) => check.state === 'pending') ? 'checks' : null
}

/** Returns true if burn would merge or update a change by these facts. */
function mayMerge(review: ReviewedChange | null, { fleet, clock }: Session): boolean {
  if (review === null) return false
  const { snapshot, history } = review
  const { do: what } = decideChange(snapshot, history, changePolicy(fleet, snapshot.repo), clock.now())
  return what === 'merge' || what === 'update_branch'
}

function reviewedChange(
  dispatch: DispatchInReview,
  { ref, state, protection, first_pusher, protected_paths }: Reading,
  history: readonly ChangeStep[],
  { login, writers, repo_base }: Pick<ChangeSnapshot, 'login' | 'writers' | 'repo_base'>,
): ReviewedChange {
  const { id, issue, changed_at } = dispatch
  const known = dispatch.watched?.first_pusher ?? first_pusher
  const at_work = dispatch.state === 'handed'
  const snapshot = {
    dispatch: id,
    issue,
    repo: repoOf(issue),
    ref,
    change: state,
    protection,
    repo_base,
    at_work,
    idle_since: at_work ? null : changed_at,
    writers,
    login,
    first_pusher: known,
    protected_paths,
    base_taken_by: null,
  }
  return { dispatch, snapshot: Object.freeze(snapshot), history }
}

/** Reads changes. It reads the rules of each base once, and keeps reviews and pushes of changes that have not moved. */
class ChangeReader {
  readonly #forge: Forge
  readonly #session: Session
  readonly #now: Time
  readonly #protections = new Map<string, Promise<Protection | null>>()
  readonly #called = new Map<string, Promise<readonly string[]>>()
  readonly #bases = new Map<RepoRef, Promise<string>>()

  constructor(session: Session, now: Time) {
    this.#forge = session.forge
    this.#session = session
    this.#now = now
  }

  /** Returns the only branch into which burn merges changes of a repo; null if burn merges none. */
  async repoBase(repo: RepoRef): Promise<string | null> {
    if (changePolicy(this.#session.fleet, repo).merge === 'never') return null
    const known = this.#bases.get(repo) ?? baseOf(repo, this.#session)
    this.#bases.set(repo, known)
    return known
  }

  /** Returns the facts about a change; null if the forge no longer has it. `listed`: the change in a listing of this cycle. */
  async read({ id, issue, change_url, watched }: DispatchInReview, due: DueReading, listed: Change | undefined): Promise<Reading | null> {
    const repo = repoOf(issue)
    if (due === 'checks' && watched !== null)
      return {
        ...watched,
        state: { ...watched.state, checks: await this.#forge.checks(repo, watched.state.sha) },
        read_at: watched.read_at,
      }
    const ref = watched?.ref ?? (listed === undefined ? await this.#refOf(repo, id, change_url) : changeRef(repo, listed.name))
    const state = ref === null ? null : await this.#forge.changeState(ref)
    if (state === null || ref === null) return null
    return {
      dispatch: id,
      ref,
      state,
      protection: await this.#protection(repo, state.base),
      first_pusher: 'unknown' in state.pushed ? null : state.pushed.login,
      protected_paths: await this.#protectedPaths(state, repo, watched),
      read_at: this.#now,
    }
  }

  /** Returns the reference of a change by its branch or its URL; null if the forge does not have it. */
  async #refOf(repo: RepoRef, dispatch: string, url: string): Promise<ChangeRef | null> {
    const { changes } = await this.#forge.changes(repo, null)
    const found = changes.find((change) => change.url === url || change.dispatch_id === dispatch)
    return found === undefined ? null : changeRef(repo, found.name)
  }

  #protection(repo: RepoRef, base: string): Promise<Protection | null> {
    const key = `${repo} ${base}`
    const known = this.#protections.get(key) ?? this.#forge.protection(repo, base)
    this.#protections.set(key, known)
    return known
  }

  /** Returns globs of the files that CI definitions of the base include or call; null if git could not read the base. */
  async #named(repo: RepoRef, base: string): Promise<readonly string[] | null> {
    const key = `${repo} ${base}`
    const known = this.#called.get(key) ?? this.#session.calledByCi(repo, base)
    this.#called.set(key, known)
    return known.catch((thrown: unknown) => {
      if (!(thrown instanceof BurnError)) throw thrown
      this.#session.notify({
        kind: 'forge.skipped',
        subject: repo,
        payload: { what: `the CI definitions of ${base}: ${messageWithHint(thrown)}` },
      })
      return null
    })
  }

  /** Returns the protected paths of a change. burn reads them only if it may merge, and again for each head and base. */
  async #protectedPaths({ ref, sha, base }: ChangeState, repo: RepoRef, watched: WatchedChange | null): Promise<readonly string[] | null> {
    if (watched?.state.sha === sha && watched.state.base === base && watched.protected_paths !== null) return watched.protected_paths
    if (changePolicy(this.#session.fleet, repo).merge === 'never') return null
    const paths = await this.#forge.changedPaths(ref)
    if (paths === null) return null
    const named = await this.#named(repo, base)
    return named === null ? null : protectedAmong(paths, named, [])
  }
}
