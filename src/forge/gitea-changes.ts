/** Pull requests of Gitea and Forgejo: those of the fleet's branches, found, listed and opened. */
import type { Change, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, NewChange } from '../core/ports.ts'
import { membersOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { timeOfId } from '../core/ids.ts'
import { nullOnCode, type Api } from './api.ts'
import { changeOf, timeOf } from './gitea-objects.ts'
import { numberIn, pageSize, readPage, mostPages, tooMany } from './paging.ts'
import { repoPath, requireDispatch } from './refs.ts'

type Writers = (repo: RepoRef) => Promise<readonly string[]>

/** A pull request may be written a little after the time that it bears. */
const overlap_ms = 60_000
/** By how much the forge's clock may be behind the one that an id has its time from. */
const skew_ms = 24 * 3_600_000

/** A repo's pull requests: where they are asked for, and the address that people know the forge by. */
export interface Pulls {
  readonly api: Api
  readonly repo: RepoRef
  readonly url: string
}

/** Newest first, and no further than `since`: one request where little happened. With null all that are open. */
export async function readChanges({ api, repo, url }: Pulls, since: Time | null): Promise<ChangePage> {
  const found = new Map<string, Change>()
  const from = since === null ? 0 : since - overlap_ms
  let date: number | null = null
  let newest = since ?? 0
  const skipped: { what: string; why: string }[] = []
  for (let page = 1, more = true; more; page++) {
    if (page > mostPages) throw tooMany(`${repoPath(repo)}/pulls`)
    const state = since === null ? 'open' : 'all'
    const read = readPage(api, `${repoPath(repo)}/pulls`, { state, sort: 'recentupdate' }, { limit: pageSize, page })
    const answer = await nullOnCode('forge_not_found', read)
    // A repo may have pull requests switched off.
    if (answer === null) break
    const { items } = answer
    for (const beginning of answer.too_big) skipped.push({ what: `change #${numberIn(beginning) ?? '?'}`, why: 'it is too big to be read' })
    date ??= answer.date
    newest = Math.max(newest, timeOf(membersOf(items[0])['updated_at']) ?? 0)
    for (const item of items) {
      const change = changeOf(repo, item, url)
      if (change !== null && !found.has(keyOf(change))) found.set(keyOf(change), change)
    }
    const last = timeOf(membersOf(items.at(-1))['updated_at'])
    more = answer.more && items.length + answer.too_big.length > 0 && (last === null || last >= from)
  }
  return { changes: [...found.values()], asked_at: date ?? newest, skipped }
}

/** The newest one of a branch counts. A fork has branches of its own, whatever their names. */
function keyOf({ dispatch_id, fork, author, url }: Change): string {
  return dispatch_id === null ? url : `${dispatch_id} ${fork ? author : ''}`
}

/** Asked once: whether a lost answer was a lost request is for the caller to look up. */
export async function openPull({ api, repo, url }: Pulls, change: NewChange): Promise<Change> {
  const { branch, base, title, body } = change
  const id = requireDispatch(branch)
  const { json } = await api.post(`${repoPath(repo)}/pulls`, { head: branch, base, title, body })
  const opened = changeOf(repo, json, url)
  if (opened?.dispatch_id !== id)
    throw new BurnError('forge_malformed', `the forge answered a new change from ${branch} with something else`, 'look at it on the forge')
  const number = Number(membersOf(json)['number'])
  const first = await firstOpen({ api, repo, url }, change)
  if (first === null || first >= number) return opened
  await api.patch(`${repoPath(repo)}/issues/${number}`, { state: 'closed' })
  throw new BurnError('forge_conflict', `a change from ${branch} was opened at the same moment: #${first}`, 'the later one is closed again')
}

/**
 * The lowest number of the open ones from a branch into that base. Gitea looks whether there is one and writes a moment later: three requests at once
 * were seen to open three.
 */
async function firstOpen({ api, repo, url }: Pulls, { branch, base }: NewChange): Promise<number | null> {
  const query = { state: 'open', sort: 'recentupdate' }
  const { items } = await readPage(api, `${repoPath(repo)}/pulls`, query, { limit: pageSize, page: 1 })
  const same = items.filter((item) => {
    const found = changeOf(repo, item, url)
    return found?.fork === false && `burn/${found.dispatch_id}` === branch && membersOf(membersOf(item)['base'])['ref'] === base
  })
  return same.length === 0 ? null : Math.min(...same.map((item) => Number(membersOf(item)['number'])))
}

/**
 * Asked by its two branches the forge gives any one that there ever was. An open one is the newest: there is at most one. After an
 * ended one, and where somebody pointed it at another base, the list says more.
 */
export async function findChange(
  { api, repo, url }: Pulls,
  { branch, base }: { readonly branch: string; readonly base: string },
  writers: Writers,
): Promise<Change | null> {
  const id = requireDispatch(branch)
  const answer = await nullOnCode('forge_not_found', api.get(`${repoPath(repo)}/pulls/${encodeURIComponent(base)}/${branch}`))
  const found = answer === null ? null : changeOf(repo, answer.json, url)
  if (found?.dispatch_id === id && found.state === 'open') return found
  const since = timeOf(membersOf(answer?.json)['created_at']) ?? timeOfId(id) - skew_ms
  const own = (await readChanges({ api, repo, url }, since)).changes.filter(({ dispatch_id }) => dispatch_id === id)
  const trusted = own.some(({ fork }) => fork) ? new Set(await writers(repo)) : null
  return own.find(({ fork, author }) => !fork || trusted?.has(author)) ?? null
}
