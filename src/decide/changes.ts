/** Which change belongs to which issue: by its branch, or because somebody who may write says that it closes the issue. */
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Change, RepoRef } from '../core/nouns.ts'
import { repoOf } from '../core/refs.ts'

/** Who may write to a repo; undefined if that is not known. */
export type WritersOf = (repo: RepoRef) => ReadonlySet<string> | undefined

/**
 * The change with what counts of it, `closes` as the spec writes its repos. A branch of the repo itself was pushed by somebody who may write; everything else
 * counts only if its author may write to the repo that it is about.
 */
export function trustedChange(change: Change, repo: RepoRef, repos: readonly RepoRef[], writersOf: WritersOf): Change {
  const known = new Map(repos.map((each) => [each.toLowerCase(), each]))
  const mayWrite = (to: RepoRef) => writersOf(to)?.has(change.author) === true
  const dispatch_id = !change.fork || mayWrite(repo) ? change.dispatch_id : null
  const closes = change.closes.flatMap((ref) => {
    const its = known.get(repoOf(ref).toLowerCase())
    return its === undefined || !mayWrite(its) ? [] : [`${its}${ref.slice(ref.lastIndexOf('#'))}`]
  })
  return { ...change, dispatch_id, closes }
}

/** Finds the change that decides about a dispatch, among those that there is news of. The last counts if one is there twice. */
export function changesByDispatch(news: readonly Change[]): (dispatch: LiveDispatch) => Change | undefined {
  const byUrl = new Map(news.map((change) => [change.url, change]))
  const changes = [...byUrl.values()]
  const own = new Map<string, Change>()
  for (const change of changes)
    if (change.dispatch_id !== null && own.get(change.dispatch_id)?.state !== 'open') own.set(change.dispatch_id, change)
  const closing = Map.groupBy(
    changes.flatMap((change) => change.closes.map((issue) => ({ issue, change }))),
    ({ issue }) => issue,
  )
  return (dispatch) => {
    const from = own.get(dispatch.id)
    if (dispatch.kind !== 'work' || (from !== undefined && from.state !== 'closed')) return from
    const others = (closing.get(dispatch.issue) ?? []).map(({ change }) => change).filter((change) => isItsOwn(change, dispatch))
    const best = ['merged', 'open', 'closed'].flatMap((state) => others.filter((each) => each.state === state))[0]
    return best ?? from ?? (dispatch.state === 'review' ? byUrl.get(dispatch.change_url ?? '') : undefined)
  }
}

/** Whether a change is the dispatch's at all: one that it was in review with may have been edited since. */
export function belongs({ dispatch_id, closes }: Change, { id, issue }: LiveDispatch): boolean {
  return dispatch_id === id || closes.includes(issue)
}

/**
 * Whether a change from another branch is the work of this dispatch. One that is open is: an issue with an open change is not given, so it came later. One
 * that has ended may be of an earlier turn, unless the dispatch was in review with it, or it was opened since the claim.
 */
function isItsOwn({ state, url, created_at, dispatch_id }: Change, { id, change_url, claimed_at }: LiveDispatch): boolean {
  if (state === 'open' || url === change_url) return true
  return state === 'merged' && created_at >= claimed_at && (dispatch_id === null || dispatch_id === id)
}
