/** Reads all facts about one change of Gitea or Forgejo. */
import type { ChangeRef, ChangeState } from '../core/change-state.ts'
import type { Time } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import { changeRef } from '../core/refs.ts'
import { BurnError } from '../core/errors.ts'
import { membersOf, stringOf } from '../core/json.ts'
import { nullOnCode } from './api.ts'
import { readStatuses } from './gitea-checks.ts'
import { arrayOf, changeOf, timeOf } from './gitea-objects.ts'
import { readPullReviews } from './gitea-reviews.ts'
import { readList, type Server } from './gitea-server.ts'
import { readMoves } from './gitea-timeline.ts'
import { repoPath, splitNumbered } from './refs.ts'

/** The dependencies of functions that work on single changes. */
export interface Changes {
  readonly server: Server
  readonly clock: Clock
  /** The text before the dispatch's id in the names of branches; by default `burn/`. */
  readonly branch_prefix?: string | undefined
  /** The pauses (ms) before burn reads a change again that seems not to be mergeable. */
  readonly recheck_ms: readonly number[]
}

/**
 * After the last push, for this time (ms), a change that seems not to be mergeable may only be waiting for the forge's test. Gitea answers
 * with `"mergeable": false` for a conflict, and also until it has tested the change.
 */
const testing_ms = 30_000

/** The head and the base of a change: everything that one request returns. */
export type ChangeHead = Omit<ChangeState, 'pushed' | 'base_set_at' | 'checks' | 'reviews' | 'threads' | 'skipped'> & {
  readonly asked_at: Time
}

/** Returns all facts about a change; null if the forge does not have it. Throws BurnError `forge_malformed`. */
export async function readPullState(changes: Changes, ref: ChangeRef): Promise<ChangeState | null> {
  const found = await readSettledHead(changes, ref)
  if (found === null) return null
  const { asked_at: _asked_at, ...head } = found
  const { server } = changes
  const { repo } = splitNumbered(ref)
  const { sha } = head
  const [moves, checks, reviews] = await Promise.all([
    readMoves(server.api, ref, sha, head.change.created_at),
    sha === '' ? [] : readStatuses(server, repo, sha),
    readPullReviews(server, ref),
  ])
  return { ...head, ...moves, checks, ...reviews }
}

/**
 * Returns the head of a change, as soon as the forge has tested whether it is mergeable. Reading a change starts the test, which usually
 * takes less than a second.
 */
async function readSettledHead(changes: Changes, ref: ChangeRef): Promise<ChangeHead | null> {
  let head = await readHead(changes, ref)
  for (const pause of changes.recheck_ms) {
    if (head?.mergeable !== 'no') return head
    await changes.clock.sleep(pause)
    head = await readHead(changes, ref)
  }
  if (head?.mergeable !== 'no') return head
  return head.asked_at - head.updated_at < testing_ms ? { ...head, mergeable: 'unknown' } : head
}

/** Returns the head and the base of a change, with one request. `mergeable: 'no'` may mean that the forge has not tested the change yet. */
export async function readHead({ server, clock, branch_prefix }: Changes, ref: ChangeRef): Promise<ChangeHead | null> {
  const { repo, number } = splitNumbered(ref)
  const answer = await nullOnCode('forge_not_found', server.api.get(`${repoPath(repo)}/pulls/${number}`))
  if (answer === null) return null
  const change = changeOf({ repo, url: server.url, branch_prefix }, answer.json)
  const { head, base, draft, mergeable, merge_base, updated_at: time } = membersOf(answer.json)
  const { ref: headRef, sha: headSha } = membersOf(head)
  const { ref: baseRef, sha: baseSha } = membersOf(base)
  const [sha, branch, base_sha, updated_at] = [stringOf(headSha) ?? '', stringOf(headRef), stringOf(baseSha), timeOf(time)]
  if (change === null || typeof baseRef !== 'string' || updated_at === null)
    throw new BurnError('forge_malformed', `burn cannot read ${ref}`, 'look at the change on the forge')
  const has_branch = branch !== null && !branch.startsWith('refs/')
  const isTested = change.state === 'open' && draft !== true && sha !== '' && has_branch && base_sha !== null
  return {
    ref: changeRef(repo, change.name),
    change,
    branch: has_branch ? branch : null,
    sha,
    base: baseRef,
    base_sha,
    behind: typeof merge_base === 'string' && merge_base !== '' && base_sha !== null ? merge_base !== base_sha : null,
    draft: draft === true,
    mergeable: !isTested ? 'unknown' : mergeable === true ? 'yes' : 'no',
    updated_at,
    asked_at: answer.date ?? clock.now(),
  }
}

/**
 * Returns the paths that a change adds, edits, renames or deletes; null if the forge has not recorded the head yet, because it would list
 * the paths of an earlier head.
 */
export async function readPullPaths(changes: Changes, ref: ChangeRef): Promise<readonly string[] | null> {
  const { repo, number } = splitNumbered(ref)
  const head = await readHead(changes, ref)
  const { api } = changes.server
  const refs = await nullOnCode('forge_not_found', api.get(`${repoPath(repo)}/git/refs/pull/${number}/head`))
  const recorded = [refs?.json].flat().map((each) => membersOf(membersOf(each)['object'])['sha'])
  if (head === null || head.sha === '' || !recorded.includes(head.sha)) return null
  const files = await readList(changes.server, { path: `${repoPath(repo)}/pulls/${number}/files`, items: arrayOf, end: 'short' })
  const paths = files.map(membersOf).flatMap(({ filename, previous_filename }) => [filename, previous_filename])
  return paths.filter((path): path is string => typeof path === 'string' && path !== '')
}
