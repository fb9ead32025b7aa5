/** Gitea and Forgejo as a forge, through their common API. */
import type { ChangeRef, Reaction } from '../core/change-state.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { Forge, ForgeChanges, RepoRights } from '../core/ports.ts'
import { membersOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { repoAdvice } from '../core/repo-advice.ts'
import { notFound, type ApiTraits } from './answers.ts'
import { openApi, nullOnCode, type Api, type ApiOptions } from './api.ts'
import { readAssignable, replaceAssignees } from './gitea-assignees.ts'
import { readPullPaths, readPullState, type Changes } from './gitea-change-state.ts'
import { findChange, openPull, readChanges } from './gitea-changes.ts'
import { readStatuses, readJobLog, rerunJob } from './gitea-checks.ts'
import { readDependencies } from './gitea-dependencies.ts'
import { hasIssues, issuePath, notFoundIfDeleted, readComments, readIssue, readIssues } from './gitea-issues.ts'
import { addLabel } from './gitea-labels.ts'
import { listRepoComments } from './gitea-repo-comments.ts'
import { commentOf, loginOf } from './gitea-objects.ts'
import { mergePull, readBranchRules, updatePull } from './gitea-merge.ts'
import { openGiteaServer } from './gitea-server.ts'
import { readTeams, readWriters } from './gitea-writers.ts'
import { repoPath, splitNumbered } from './refs.ts'

/** The address, token and limits of a Gitea or Forgejo server. */
export interface GiteaOptions extends Omit<ApiOptions, 'base' | 'traits'> {
  /** The forge's own address, without `/api/v1`. */
  readonly url: string
  /** The text before the dispatch's id in the names of branches; by default `burn/`. */
  readonly branch_prefix?: string
  /** The pauses (ms) before burn reads a change again that seems not to be mergeable. */
  readonly recheck_ms?: readonly number[]
}

/**
 * Opens a Gitea or Forgejo server as a forge. Sends no request until a method is called. Throws BurnError `forge_url` (exit 2) if the
 * address is not valid.
 */
export function openGitea(options: GiteaOptions): Forge {
  const url = webUrl(options.url)
  const base = `${url}/api/v1`
  const api = openApi({ ...options, base, traits })
  const server = openGiteaServer(api, url)
  const changes = { server, clock: options.clock, branch_prefix: options.branch_prefix, recheck_ms: options.recheck_ms ?? [1_000, 2_000] }
  const pullsOf = (repo: RepoRef) => ({ api, repo, url, branch_prefix: options.branch_prefix })
  const writers = (repo: RepoRef, known?: readonly string[]) => readWriters(api, repo, known)
  return {
    kind: 'gitea',
    ...changeOperations(changes),
    issues: (repo, cursor) => readIssues(server, repo, cursor, options.clock.now()),
    issue: (ref) => readIssue(api, url, ref),
    writers,
    comments: (ref, since) => readComments(api, ref, since),
    repoComments: (repo, since, containing) => listRepoComments(api, repo, since, containing),
    async comment(ref, body) {
      const { json } = await notFoundIfDeleted(api, ref, api.post(`${issuePath(ref)}/comments`, { body }))
      const comment = commentOf(json)
      if (comment !== null) return comment
      throw new BurnError(
        'forge_malformed',
        `${url} did not answer with the new comment on ${ref}`,
        'look at the issue: the comment may exist',
      )
    },
    addLabel: (ref, label) => addLabel(api, ref, label),
    assignable: (repo) => readAssignable(api, repo),
    assign: (ref, from, to) => replaceAssignees(api, url, ref, { from, to }),
    async editComment(ref, id, body) {
      await api.patch(commentPath(ref, id), { body })
    },
    changes: (repo, since) => readChanges(pullsOf(repo), since),
    openChange: (repo, change) => openPull(pullsOf(repo), change),
    changeOf: (repo, branch, base) => findChange(pullsOf(repo), { branch, base }, writers),
    async whoami() {
      const login = loginOf((await api.get('/user')).json)
      if (login !== null) return { login }
      throw new BurnError(
        'forge_malformed',
        `the answer of ${base}/user does not name the owner of the token`,
        'check that forge.url is the address of a Gitea or Forgejo server',
      )
    },
    rights: (repo) => readRights(api, repo),
    mayComment: (repo) => mayEdit(api, `${repoPath(repo)}/issues/comments/${noObject}`, { body: 'x' }),
    mayOpenChange: (repo) => mayEdit(api, `${repoPath(repo)}/pulls/${noObject}`, {}),
    hasBranch: async (repo, branch) =>
      (await nullOnCode('forge_not_found', api.get(`${repoPath(repo)}/branches/${encodeURIComponent(branch)}`))) !== null,
    teams: (repo) => readTeams(api, repo),
    access(repo, target) {
      const open_change = openChangeInstructions(`${base}${repoPath(repo)}`, url, target)
      return { clone_url: `${url}/${repo}.git`, api_url: base, open_change }
    },
    requests: api.requests,
  }
}

/** Returns the operations on single changes. */
function changeOperations(changes: Changes): ForgeChanges {
  const { server } = changes
  return {
    changeState: (ref) => readPullState(changes, ref),
    changedPaths: (ref) => readPullPaths(changes, ref),
    checks: (repo, sha) => readStatuses(server, repo, sha),
    logTail: (repo, check, max_bytes) => readJobLog(server, repo, check, max_bytes),
    rerun: (repo, check) => rerunJob(server, repo, check),
    protection: (repo, target) => readBranchRules(server, repo, target),
    merge: (ref, request) => mergePull(changes, ref, request),
    updateBranch: (ref, sha, method, onto = null) => updatePull(changes, ref, { sha, method, onto }),
    blockers: (ref) => readDependencies(server, ref),
    async react(ref, id, reaction) {
      await server.api.post(`${commentPath(ref, id)}/reactions`, { content: reactions[reaction] })
    },
  }
}

const reactions: Readonly<Record<Reaction, string>> = {
  eyes: 'eyes',
  thumbs_up: '+1',
  thumbs_down: '-1',
  confused: 'confused',
  rocket: 'rocket',
}

/** Returns the path of a comment on an issue or a change. Throws BurnError `forge_ref`. */
function commentPath(ref: IssueRef | ChangeRef, id: string): string {
  if (/^[0-9]{1,15}$/.test(id)) return `${repoPath(splitNumbered(ref).repo)}/issues/comments/${id}`
  throw new BurnError('forge_ref', `${JSON.stringify(id)} is not the number of a comment`, 'use the number of the comment')
}

const traits: ApiTraits = {
  page_size: 'limit',
  classify({ status }, message) {
    // If the issue of a comment does not exist, Gitea answers with 500.
    if (status === 500 && /\bdoes not exist \[/.test(message)) return { code: 'forge_not_found', hint: notFound }
    // For an archived repo, some versions answer with 403 instead of 423.
    if (status === 403 && /\bis archived\b/.test(message))
      return { code: 'forge_archived', hint: `the repo is archived: ${repoAdvice.archived}` }
    return status === 403 ? { code: 'forge_forbidden', hint: scopeHint(message) } : null
  },
  hints: {
    refused: 'the forge refused the request: check that the server is Gitea 1.20, Forgejo 7, or newer',
    not_json: 'set forge.url to the address of the forge, without /api/v1, and check whether a login page or a proxy answers instead',
  },
}

/** Returns the hint for a refused request. Gitea's message names the scopes that a token lacks. */
function scopeHint(message: string): string {
  const scopes = /required(?: scope\(s\):|=) ?\[([^\]]*)\]/.exec(message)?.[1]
  return scopes === undefined
    ? 'check that the token has the scopes read:user, read:repository and write:issue'
    : `give the token ${scopes}`
}

function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const invalid = (why: string) => new BurnError('forge_url', `forge.url ${why}`, 'write it like https://forge.example.com', { exit: 2 })
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid('is not an http or https address')
  if (url.username !== '' || url.password !== '') throw invalid('contains a login; use forge.token instead')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
}

async function readRights(api: Api, repo: RepoRef): Promise<RepoRights> {
  const found = await nullOnCode('forge_not_found', api.get(repoPath(repo)))
  if (found === null) return { exists: false, write: false, archived: false, issues: false, changes: false, default_branch: null }
  const { permissions, archived, has_pull_requests, default_branch } = membersOf(found.json)
  const { push, admin } = membersOf(permissions)
  const write = archived !== true && (push === true || admin === true)
  return {
    exists: true,
    write,
    archived: archived === true,
    issues: hasIssues(found.json),
    changes: has_pull_requests !== false,
    default_branch: nonEmpty(default_branch),
  }
}

const nonEmpty = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)

/** No forge has a comment or a pull request with this number. */
const noObject = 999_999_999_999_999

/**
 * Returns true if the token may edit objects of this kind. A repo's JSON shows the permissions of the account, but not the scopes of the
 * token. burn therefore edits an object that can't exist, which changes nothing. The forge refuses the edit if the token lacks a scope;
 * otherwise the forge answers with "not found".
 */
async function mayEdit(api: Api, path: string, body: object): Promise<boolean> {
  try {
    await api.patch(path, body)
  } catch (thrown) {
    if (!(thrown instanceof BurnError)) throw thrown
    if (thrown.code === 'forge_forbidden') return false
    if (thrown.code !== 'forge_not_found') throw thrown
  }
  return true
}

/**
 * Returns the instructions for an agent that opens a change. Git and curl use the credentials of the machine, so the prompt contains none.
 */
function openChangeInstructions(repoUrl: string, url: string, base: string): string {
  const body = `{"head":"<your branch>","base":${JSON.stringify(base)},"title":"<what changed>","body":"Closes #<number of the issue>"}`
  return (
    `Push your branch to origin with git, then open a pull request from it: with \`tea pulls create\` or \`fj pr create\` if one is set up for ${url}, ` +
    `else with \`curl --fail-with-body --netrc -H 'Content-Type: application/json' -d '${body}' ${repoUrl}/pulls\`. ` +
    'The title of the pull request must not begin with `WIP:` or `[WIP]`, because the forge merges no drafts. ' +
    'The description must have the line `Closes #<number of the issue>`. The credentials are on this machine already; never write a credential down.'
  )
}
