/** Reads the timeline of an issue or a change: its comments, pushes and other events. */
import type { ChangeRef, ChangeState, Push } from '../core/change-state.ts'
import type { IssueRef, Time } from '../core/nouns.ts'
import type { Api } from './api.ts'
import { itemsOf, membersOf, parseJson, stringOf } from '../core/json.ts'
import { loginOf, timeOf } from './gitea-objects.ts'
import { maxPages, pageSize, readPage, tooManyPagesError } from './paging.ts'
import { repoPath, splitNumbered } from './refs.ts'

/** Returns a time as a parameter of a query. Gitea keeps whole seconds. */
export function sinceQuery(since: Time | undefined): Readonly<Record<string, string>> {
  return since === undefined ? {} : { since: new Date(Math.max(0, since)).toISOString().replace(/\.\d+Z/, 'Z') }
}

/**
 * Reads the events that were added or edited since a time, oldest first. The count in the header is that of the page, and Gitea leaves out
 * some events. So burn reads until a page is empty.
 */
export async function* timelineEvents(api: Api, ref: IssueRef | ChangeRef, since?: Time): AsyncGenerator<unknown> {
  const { repo, number } = splitNumbered(ref)
  const path = `${repoPath(repo)}/issues/${number}/timeline`
  let firstBefore: unknown = null
  for (let page = 1; page <= maxPages; page++) {
    const { items, too_big } = await readPage(api, path, sinceQuery(since), { limit: pageSize, page, counted: false })
    const first = membersOf(items[0])['id'] ?? too_big[0] ?? null
    if (first === null || first === firstBefore) return
    firstBefore = first
    yield* items
  }
  throw tooManyPagesError(path)
}

/** Returns the push that brought a commit to the head of a change, and the time at which the base of the change was last replaced. */
export async function readMoves(
  api: Api,
  ref: ChangeRef,
  sha: string,
  opened_at: Time,
): Promise<Pick<ChangeState, 'pushed' | 'base_set_at'>> {
  let isPushed = false
  let found: Push | null = null
  let base_set_at: Time | null = null
  let baseSetBy: string | null = null
  for await (const event of timelineEvents(api, ref, opened_at)) {
    const { type, user, body, created_at } = membersOf(event)
    const [login, at] = [loginOf(user), timeOf(created_at)]
    if (type === 'change_target_branch') [base_set_at, baseSetBy] = [at, login]
    if (type !== 'pull_push') continue
    // If somebody replaces the base, Gitea removes all pushes, and names this account as the one that pushed. Forgejo keeps the pushes.
    const isInvented = !isPushed && login === baseSetBy
    isPushed = true
    if (isInvented) continue
    // The commits that the push added, oldest first. A forced push names the old head and the new one.
    const { commit_ids } = membersOf(parseJson(stringOf(body) ?? '')?.value)
    if (itemsOf(commit_ids).at(-1) === sha && login !== null && at !== null) found ??= { login, at }
  }
  const unknown = isPushed ? 'the forge has not recorded who pushed this head' : 'nobody has pushed since the change was opened'
  return { pushed: found ?? { unknown }, base_set_at }
}
