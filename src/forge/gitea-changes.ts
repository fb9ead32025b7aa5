/** Pull requests of Gitea and Forgejo: those of the fleet's branches, found, listed and opened. */
import type { Change, RepoRef, Time } from '../core/nouns.ts'
import type { ChangePage, NewChange } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'
import { timeOfId } from '../core/ids.ts'
import { unless, type Api } from './api.ts'
import { arrayOf, changeOf, fieldsOf, timeOf } from './gitea-objects.ts'
import { mostPages, pageSize, tooMany } from './paging.ts'
import { repoPath, requireDispatch } from './refs.ts'

type Writers = (repo: RepoRef) => Promise<readonly string[]>

/** A pull request may be written a little after the time that it bears. */
const overlap_ms = 60_000
/** By how much the forge's clock may be behind the one that an id has its time from. */
const skew_ms = 24 * 3_600_000

/** Newest first, and no further than `since`: one request where little happened. */
export async function readChanges(api: Api, repo: RepoRef, since: Time, writers: Writers): Promise<ChangePage> {
  const found = new Map<string, NonNullable<ReturnType<typeof changeOf>>>()
  const from = since - overlap_ms
  let date: number | null = null
  let newest = since
  for (let page = 1, more = true; more; page++) {
    if (page > mostPages) throw tooMany(`${repoPath(repo)}/pulls`)
    const answer = await api.get(`${repoPath(repo)}/pulls`, { state: 'all', sort: 'recentupdate', limit: pageSize, page })
    const items = arrayOf(answer.json)
    date ??= answer.date
    newest = Math.max(newest, timeOf(fieldsOf(items[0])['updated_at']) ?? 0)
    for (const change of items.map(changeOf)) {
      // The newest one of a branch counts.
      if (change !== null && !found.has(change.change.dispatch_id)) found.set(change.change.dispatch_id, change)
    }
    const last = timeOf(fieldsOf(items.at(-1))['updated_at'])
    more = answer.more && items.length > 0 && (last === null || last >= from)
  }
  const changes = [...found.values()]
  const trusted = changes.some(({ foreign }) => foreign) ? new Set(await writers(repo)) : null
  const ours = changes.filter(({ change, foreign }) => !foreign || trusted?.has(change.author))
  return { changes: ours.map(({ change }) => change), asked_at: date ?? newest }
}

/** Asked once: whether a lost answer was a lost request is for the caller to look up. */
export async function openPull(api: Api, repo: RepoRef, change: NewChange): Promise<Change> {
  const { branch, base, title, body } = change
  const id = requireDispatch(branch)
  const { json } = await api.post(`${repoPath(repo)}/pulls`, { head: branch, base, title, body })
  const opened = changeOf(json)
  if (opened?.change.dispatch_id !== id)
    throw new BurnError('forge_malformed', `the forge answered a new change from ${branch} with something else`, 'look at it on the forge')
  const number = Number(fieldsOf(json)['number'])
  const first = await firstOpen(api, repo, change)
  if (first === null || first >= number) return opened.change
  await api.patch(`${repoPath(repo)}/issues/${number}`, { state: 'closed' })
  throw new BurnError('forge_conflict', `a change from ${branch} was opened at the same moment: #${first}`, 'the later one is closed again')
}

/**
 * The lowest number of the open ones from a branch into that base. Gitea looks whether there is one and writes a moment later: three requests at once
 * were seen to open three.
 */
async function firstOpen(api: Api, repo: RepoRef, { branch, base }: NewChange): Promise<number | null> {
  const { json } = await api.get(`${repoPath(repo)}/pulls`, { state: 'open', sort: 'recentupdate', limit: pageSize, page: 1 })
  const same = arrayOf(json).filter((item) => {
    const found = changeOf(item)
    return found?.foreign === false && `burn/${found.change.dispatch_id}` === branch && fieldsOf(fieldsOf(item)['base'])['ref'] === base
  })
  return same.length === 0 ? null : Math.min(...same.map((item) => Number(fieldsOf(item)['number'])))
}

/**
 * Asked by its two branches the forge gives any one that there ever was. An open one is the newest: there is at most one. After an
 * ended one, and where somebody pointed it at another base, the list says more.
 */
export async function findChange(
  api: Api,
  repo: RepoRef,
  { branch, base }: { readonly branch: string; readonly base: string },
  writers: Writers,
): Promise<Change | null> {
  const id = requireDispatch(branch)
  const answer = await unless('forge_not_found', api.get(`${repoPath(repo)}/pulls/${encodeURIComponent(base)}/${branch}`))
  const found = answer === null ? null : changeOf(answer.json)
  if (found?.change.dispatch_id === id && found.change.state === 'open') return found.change
  const since = timeOf(fieldsOf(answer?.json)['created_at']) ?? timeOfId(id) - skew_ms
  const { changes } = await readChanges(api, repo, since, writers)
  return changes.find(({ dispatch_id }) => dispatch_id === id) ?? null
}
