/** Lists, finds and opens pull requests on Gitea and Forgejo. */
import type { Change, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, NewChange } from '../core/ports.ts'
import { membersOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { timeOfId } from '../core/ids.ts'
import { nullOnCode, type Api } from './api.ts'
import { changeOf, timeOf, type PullSource } from './gitea-objects.ts'
import { pageTracker, maxPages, numberIn, pageSize, readPage, repeatedPage, tooManyPagesError } from './paging.ts'
import { dispatchOf, repoPath, requireDispatch } from './refs.ts'

type Writers = (repo: RepoRef) => Promise<readonly string[]>

/** The time (ms) by which two consecutive reads overlap. The forge may store a pull request a little later than its `updated_at` says. */
const overlap_ms = 60_000
/** The maximum difference (ms) between the forge's clock and the clock of the machine that made a dispatch's id. */
const skew_ms = 24 * 3_600_000

/** The pull requests of a repo. */
export interface Pulls extends PullSource {
  readonly api: Api
}

/**
 * Returns the changes that were updated since the given time, newest first; if `since` is null, all open changes. If little has changed,
 * one request is enough.
 */
export async function readChanges(pulls: Pulls, since: Time | null): Promise<ChangePage> {
  const { api, repo } = pulls
  const found = new Map<string, Change>()
  const from = since === null ? 0 : since - overlap_ms
  let date: number | null = null
  let newest = since ?? 0
  const skipped: { what: string; why: string }[] = []
  const stepAfter = pageTracker()
  for (let page = 1, more = true; more; page++) {
    if (page > maxPages) throw tooManyPagesError(`${repoPath(repo)}/pulls`)
    const state = since === null ? 'open' : 'all'
    const read = readPage(api, `${repoPath(repo)}/pulls`, { state, sort: 'recentupdate' }, { limit: pageSize, page })
    const answer = await nullOnCode('forge_not_found', read)
    // The forge answers with "not found" if pull requests are disabled in this repo.
    if (answer === null) break
    const { items } = answer
    for (const beginning of answer.too_big)
      skipped.push({ what: `change #${numberIn(beginning) ?? '?'}`, why: 'the pull request is too large for burn to read' })
    date ??= answer.date
    newest = Math.max(newest, timeOf(membersOf(items[0])['updated_at']) ?? 0)
    for (const item of items) {
      // A page has older changes, too. burn would read all facts about each of them again.
      if ((timeOf(membersOf(item)['updated_at']) ?? from) < from) continue
      const change = changeOf(pulls, item)
      if (change !== null && !found.has(keyOf(change))) found.set(keyOf(change), change)
    }
    const last = timeOf(membersOf(items.at(-1))['updated_at'])
    const step = stepAfter(answer)
    if (step === 'repeated') skipped.push({ what: `changes after the first ${(page - 1) * items.length}`, why: repeatedPage })
    more = step === 'more' && (last === null || last >= from)
  }
  return { changes: [...found.values()], asked_at: date ?? newest, skipped }
}

/**
 * Returns a key that is the same for all changes of a branch, so that burn keeps only the newest of them. A fork's branch has a different
 * key, even if its name is the same.
 */
function keyOf({ dispatch_id, fork, author, url }: Change): string {
  return dispatch_id === null ? url : `${dispatch_id} ${fork ? author : ''}`
}

/**
 * Opens a pull request, with one attempt. If the forge's answer does not arrive, the caller must find out whether the pull request exists.
 * Throws BurnError `forge_conflict` if another process opened a pull request from the branch at the same moment.
 */
export async function openPull(pulls: Pulls, change: NewChange): Promise<Change> {
  const { api, repo, branch_prefix } = pulls
  const { branch, base, title, body } = change
  const id = requireDispatch(branch, branch_prefix)
  const { json } = await api.post(`${repoPath(repo)}/pulls`, { head: branch, base, title, body })
  const opened = changeOf(pulls, json)
  if (opened?.dispatch_id !== id)
    throw new BurnError(
      'forge_malformed',
      `the forge did not answer with the new change from ${branch}`,
      'look at the pull requests on the forge',
    )
  const number = Number(membersOf(json)['number'])
  const first = await firstOpen(pulls, change)
  if (first === null || first >= number) return opened
  await api.patch(`${repoPath(repo)}/issues/${number}`, { state: 'closed' })
  throw new BurnError(
    'forge_conflict',
    `another process opened a change from ${branch} at the same moment: #${first}`,
    'burn has closed its own change, so there is nothing to do',
  )
}

/**
 * Returns the number of the oldest open pull request from the branch into the base; null if there is none. Gitea does not check and create
 * in one step, so three requests at the same time can open three pull requests.
 */
async function firstOpen(pulls: Pulls, { branch, base }: NewChange): Promise<number | null> {
  const { api, repo, branch_prefix } = pulls
  const id = dispatchOf(branch, branch_prefix)
  const query = { state: 'open', sort: 'recentupdate' }
  const { items } = await readPage(api, `${repoPath(repo)}/pulls`, query, { limit: pageSize, page: 1 })
  const same = items.filter((item) => {
    const found = changeOf(pulls, item)
    return found?.fork === false && found.dispatch_id === id && membersOf(membersOf(item)['base'])['ref'] === base
  })
  return same.length === 0 ? null : Math.min(...same.map((item) => Number(membersOf(item)['number'])))
}

/**
 * Returns the change of a dispatch branch; null if there is none. If burn asks Gitea for a head and a base, Gitea returns any pull request
 * between them, even a closed one. An open pull request is the newest, because at most one is open. If the returned pull request is closed,
 * or somebody changed its base, burn searches the list of changes.
 */
export async function findChange(
  pulls: Pulls,
  { branch, base }: { readonly branch: string; readonly base: string },
  writers: Writers,
): Promise<Change | null> {
  const { api, repo, branch_prefix } = pulls
  const id = requireDispatch(branch, branch_prefix)
  const answer = await nullOnCode('forge_not_found', api.get(`${repoPath(repo)}/pulls/${encodeURIComponent(base)}/${branch}`))
  const found = answer === null ? null : changeOf(pulls, answer.json)
  if (found?.dispatch_id === id && found.state === 'open') return found
  const since = timeOf(membersOf(answer?.json)['created_at']) ?? timeOfId(id) - skew_ms
  const own = (await readChanges(pulls, since)).changes.filter(({ dispatch_id }) => dispatch_id === id)
  const trusted = own.some(({ fork }) => fork) ? new Set(await writers(repo)) : null
  return own.find(({ fork, author }) => !fork || trusted?.has(author)) ?? null
}
