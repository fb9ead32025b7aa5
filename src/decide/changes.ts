/** Matches changes with dispatches: by the branch, or by a closing keyword from an author with write access. */
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Change, RepoRef } from '../core/nouns.ts'
import { repoOf } from '../core/refs.ts'

/** Returns the logins with write access to a repo; undefined if they are unknown. */
export type WritersOf = (repo: RepoRef) => ReadonlySet<string> | undefined

/**
 * Returns the change with only those references that burn trusts. A branch of the repo itself is trusted, because only somebody with write
 * access can push it. burn trusts the branch of a fork, and each closing keyword, only if the author of the change has write access to the
 * repo of the issue. Repos in `closes` are spelt as in the spec.
 */
export function trustedChange(change: Change, repo: RepoRef, repos: readonly RepoRef[], writersOf: WritersOf): Change {
  const known = new Map(repos.map((each) => [each.toLowerCase(), each]))
  const mayWrite = (to: RepoRef) => writersOf(to)?.has(change.author) === true
  const dispatch_id = !change.fork || mayWrite(repo) ? change.dispatch_id : null
  const closes = change.closes.flatMap((ref) => {
    const target = known.get(repoOf(ref).toLowerCase())
    return target === undefined || !mayWrite(target) ? [] : [`${target}${ref.slice(ref.lastIndexOf('#'))}`]
  })
  return { ...change, dispatch_id, closes }
}

/**
 * Returns a function that finds the change which decides the next state of a dispatch. `news`: the changes that the forge reported as new
 * or edited; if a change is listed twice, the last entry counts.
 */
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
    const ofBranch = own.get(dispatch.id)
    if (dispatch.kind !== 'work' || (ofBranch !== undefined && ofBranch.state !== 'closed')) return ofBranch
    const others = (closing.get(dispatch.issue) ?? []).map(({ change }) => change).filter((change) => isWorkOf(change, dispatch))
    const best = ['merged', 'open', 'closed'].flatMap((state) => others.filter((each) => each.state === state))[0]
    return best ?? ofBranch ?? (dispatch.state === 'review' ? byUrl.get(dispatch.change_url ?? '') : undefined)
  }
}

/**
 * Returns true if the change's branch names the dispatch, or if the change closes the dispatch's issue. After an edit, a change in review
 * may no longer close the issue.
 */
export function belongs({ dispatch_id, closes }: Change, { id, issue }: LiveDispatch): boolean {
  return dispatch_id === id || closes.includes(issue)
}

/**
 * Returns true if a change from another branch is the work of this dispatch. An open change always is the work of this dispatch: burn does
 * not dispatch an issue that has an open change, so the change was opened after the claim. A closed or merged change counts if the dispatch
 * was in review with this change. A merged change also counts if it was opened after the claim, unless the branch of the change belongs to
 * another dispatch.
 */
function isWorkOf({ state, url, created_at, dispatch_id }: Change, { id, change_url, claimed_at }: LiveDispatch): boolean {
  if (state === 'open' || url === change_url) return true
  return state === 'merged' && created_at >= claimed_at && (dispatch_id === null || dispatch_id === id)
}
