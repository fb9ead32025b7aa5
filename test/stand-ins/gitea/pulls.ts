/** Pull requests, as Gitea lists, finds and opens them. */
import type { ForgeState, IssueRow, RepoRow } from './state.ts'
import { mayUsePulls, mayWrite, nameOf, pageOf, refuse, reply, repoOf, textIn, type Call, type Reply } from './calls.ts'
import { branchIn, gitAs } from './git.ts'
import { pullJson } from './json.ts'
import { baseOf, hasConflict, mergeBase } from './merging.ts'
import { headOf } from './people.ts'

/** Returns a pull request. Only a request for a single one asks git whether it can be merged. */
function jsonOf(state: ForgeState, repo: RepoRow, row: IssueRow, { url, isSingle = false }: { url: string; isSingle?: boolean }) {
  const pull = row.pull!
  const bare = state.bareOf(pull.from)
  const conflicts = isSingle ? hasConflict(state, repo, pull) : pull.conflicts
  const facts = {
    from: state.repos.get(pull.from.toLowerCase()) ?? null,
    sha: headOf(state, pull),
    gone: bare !== null && branchIn(bare, pull.branch) === null,
    base_sha: baseOf(state, repo, pull.base) ?? '',
    merge_base: isSingle ? mergeBase(state, repo, pull) : '',
    mergeable: pull.untested <= 0 && !conflicts,
  }
  return pullJson(repo, row, facts, url)
}

/** Returns one pull request. Each request brings the forge's test of the pull request forward. */
export function getPull(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayUsePulls(repo, call)
  const row = repo.items.get(Number(words[2]))
  if (row === undefined || row.pull === null) return refuse(404, "The target couldn't be found.", call.url)
  const json = jsonOf(state, repo, row, { url: call.url, isSingle: true })
  row.pull.untested--
  return reply(200, json)
}

/** Lists the files that a pull request changes. */
export function getFiles(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const pull = repo.items.get(Number(words[2]))?.pull ?? null
  const bare = state.bareOf(nameOf(repo))
  if (pull === null || bare === null) return refuse(404, "The target couldn't be found.", call.url)
  const names = gitAs(bare, 'diff', '--name-only', mergeBase(state, repo, pull), headOf(state, pull)).split('\n')
  return pageOf(names, call, (filename) => ({ filename, status: 'changed' }))
}

/** Returns the commit that the forge has recorded as the head of a pull request. */
export function getPullRef(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const pull = repoOf(state, call, words).items.get(Number(words[2]))?.pull ?? null
  if (pull === null) return refuse(404, "The target couldn't be found.", call.url)
  return reply(200, [{ ref: `refs/pull/${words[2]}/head`, object: { type: 'commit', sha: headOf(state, pull) } }])
}

/** Lists pull requests by time of creation or change. */
export function getPulls(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayUsePulls(repo, call)
  const wanted = call.query.get('state') ?? 'open'
  const byTime = call.query.get('sort') === 'recentupdate' ? (row: IssueRow) => row.updated : (row: IssueRow) => row.created
  const rows = [...repo.items.values()]
    .filter((row) => row.pull !== null && (wanted === 'all' || row.state === wanted))
    .toSorted((a, b) => byTime(b) - byTime(a) || b.id - a.id)
  return pageOf(rows, call, (row) => jsonOf(state, repo, row, call))
}

/** Gitea returns any one of those that there ever were. This returns the first, which is the least useful. */
export function getPullByBranches(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  const [, , base, head] = words
  const found = [...repo.items.values()].find(({ pull }) => pull?.base === base && pull?.branch === head && pull?.from === nameOf(repo))
  return found === undefined ? refuse(404, 'not found', call.url) : reply(200, jsonOf(state, repo, found, call))
}

/** A head is a branch of this repo, or `owner:branch` in that owner's fork of the same name. */
export function postPull(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayUsePulls(repo, call)
  const [title, body, head, base] = ['title', 'body', 'head', 'base'].map((key) => textIn(call.body, key))
  if (title === undefined || head === undefined || base === undefined) return refuse(422, 'title, head and base are required', call.url)
  if (head === base) return refuse(422, 'Invalid PullRequest: There are no changes between the head and the base', call.url)
  const [branch = '', owner] = head.split(':').toReversed()
  const from = owner === undefined ? nameOf(repo) : `${owner}/${repo.name}`
  mayWrite(repo, call, owner === call.login)
  const [headIn, baseIn] = [state.bareOf(from), state.bareOf(nameOf(repo))]
  const missing = (headIn !== null && branchIn(headIn, branch) === null) || (baseIn !== null && branchIn(baseIn, base) === null)
  if (missing) return refuse(404, "The target couldn't be found.", call.url)
  // Gitea checks first and writes a moment later, so it writes all that arrive at the same time.
  const taken = [...repo.items.values()].find(
    ({ id, state, pull }) => id <= call.newest && state === 'open' && pull?.branch === branch && pull.base === base && pull.from === from,
  )
  if (taken !== undefined) return refuse(409, `pull request already exists for these targets [id: ${taken.id}]`, call.url)
  const row = state.addPull(nameOf(repo), { title, body: body ?? '', branch, base, from, author: call.login })
  return reply(201, jsonOf(state, repo, row, call))
}

/** Edits a pull request. burn edits only one that does not exist, to learn the scopes of its token. */
export function patchPull(state: ForgeState, call: Call, words: readonly string[]): Reply {
  const repo = repoOf(state, call, words)
  mayUsePulls(repo, call)
  const row = repo.items.get(Number(words[2]))
  if (row === undefined || row.pull === null) return refuse(404, "The target couldn't be found.", call.url)
  mayWrite(repo, call, row.author === call.login)
  return reply(201, jsonOf(state, repo, row, call))
}
