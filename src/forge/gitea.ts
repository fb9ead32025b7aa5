/** Gitea and Forgejo, through their common API. */
import type { RepoRef, RepoSettings } from '../core/nouns.ts'
import type { Forge, RepoRights } from '../core/ports.ts'
import { membersOf } from '../core/json.ts'
import { BurnError } from '../core/errors.ts'
import { notFound, type ApiTraits } from './answers.ts'
import { openApi, nullOnCode, type Api, type ApiOptions } from './api.ts'
import { findChange, openPull, readChanges } from './gitea-changes.ts'
import { hasIssues, issuePath, orGone, readComments, readIssue, readIssues } from './gitea-issues.ts'
import { arrayOf, commentOf, loginOf } from './gitea-objects.ts'
import { repoPath, splitIssue } from './refs.ts'

export interface GiteaOptions extends Omit<ApiOptions, 'base' | 'traits'> {
  /** The forge's own address, without `/api/v1`. */
  readonly url: string
  /** Says against which branch a repo's changes are opened; `main` where it does not. */
  readonly repos?: readonly Pick<RepoSettings, 'repo' | 'base'>[]
}

/** Throws BurnError `forge_url` (exit 2) for an address that can't be one; asks nothing yet. */
export function openGitea(options: GiteaOptions): Forge {
  const url = webUrl(options.url)
  const base = `${url}/api/v1`
  const api = openApi({ ...options, base, traits })
  const writers = (repo: RepoRef, known?: readonly string[]) => readWriters(api, repo, known)
  const baseOf = (repo: RepoRef) => options.repos?.find((settings) => settings.repo === repo)?.base ?? 'main'
  return {
    kind: 'gitea',
    issues: (repo, cursor) => readIssues(api, url, repo, cursor),
    issue: (ref) => readIssue(api, url, ref),
    writers,
    comments: (ref) => readComments(api, ref),
    async comment(ref, body) {
      const { json } = await orGone(api, ref, api.post(`${issuePath(ref)}/comments`, { body }))
      const comment = commentOf(json)
      if (comment !== null) return comment
      throw new BurnError(
        'forge_malformed',
        `${url} answered a new comment on ${ref} with something else`,
        'look at the issue: the comment may be there',
      )
    },
    async editComment(ref, id, body) {
      if (!/^[0-9]{1,15}$/.test(id))
        throw new BurnError('forge_ref', `${JSON.stringify(id)} is not a comment`, 'a comment is named by its number')
      await api.patch(`${repoPath(splitIssue(ref).repo)}/issues/comments/${id}`, { body })
    },
    changes: (repo, since) => readChanges({ api, repo, url }, since),
    openChange: (repo, change) => openPull({ api, repo, url }, change),
    changeOf: (repo, branch) => findChange({ api, repo, url }, { branch, base: baseOf(repo) }, writers),
    async whoami() {
      const login = loginOf((await api.get('/user')).json)
      if (login !== null) return { login }
      throw new BurnError('forge_malformed', `${base}/user does not say who the token belongs to`, 'is forge.url a Gitea or Forgejo?')
    },
    rights: (repo) => readRights(api, repo),
    mayComment: (repo) => mayComment(api, repo),
    access(repo) {
      return { clone_url: `${url}/${repo}.git`, api_url: base, open_change: wayToOpen(`${base}${repoPath(repo)}`, url, baseOf(repo)) }
    },
    requests: api.requests,
  }
}

const traits: ApiTraits = {
  page_size: 'limit',
  means({ status }, said) {
    // It answers for comments of an issue that it does not have as if it had failed itself.
    if (status === 500 && /\bdoes not exist \[/.test(said)) return { code: 'forge_not_found', hint: notFound }
    return status === 403 ? { code: 'forge_forbidden', hint: scopeHint(said) } : null
  },
  hints: {
    refused: 'the forge did not take the request: is it Gitea 1.20, Forgejo 7, or newer?',
    not_json: 'forge.url must be the forge itself, without /api/v1; is a login page or a proxy in front of it?',
  },
}

/** Gitea names the scopes that a token lacks. */
function scopeHint(said: string): string {
  const scopes = /required(?: scope\(s\):|=) ?\[([^\]]*)\]/.exec(said)?.[1]
  return scopes === undefined ? 'may the token do that? It needs read:user, read:repository and write:issue' : `give the token ${scopes}`
}

function webUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  const wrong = (why: string) => new BurnError('forge_url', `forge.url ${why}`, 'write it like https://forge.example.com', { exit: 2 })
  if (url === null || !/^https?:$/.test(url.protocol)) throw wrong('is not an http or https address')
  if (url.username !== '' || url.password !== '') throw wrong('has a login in it, which belongs into forge.token')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/api\/v1$/, '')
}

/**
 * `/assignees` knows owners, collaborators and teams, but in an organisation also those of its teams that may only read. Who of them may
 * write is told to a token that administers the repo; with any other, all of them count. With `known`, only the first list is asked for.
 */
async function readWriters(api: Api, repo: RepoRef, known?: readonly string[]): Promise<readonly string[]> {
  const { json } = await api.get(`${repoPath(repo)}/assignees`)
  const logins = arrayOf(json)
    .map(loginOf)
    .filter((login) => login !== null)
  if (known !== undefined) return known.filter((login) => logins.includes(login))
  const writers: string[] = []
  for (const login of logins) {
    const answer = await nullOnCode('forge_forbidden', api.get(`${repoPath(repo)}/collaborators/${encodeURIComponent(login)}/permission`))
    if (answer === null) return logins
    const { permission } = membersOf(answer.json)
    if (permission === 'write' || permission === 'admin' || permission === 'owner') writers.push(login)
  }
  return writers
}

async function readRights(api: Api, repo: RepoRef): Promise<RepoRights> {
  const found = await nullOnCode('forge_not_found', api.get(repoPath(repo)))
  if (found === null) return { exists: false, write: false, archived: false, issues: false }
  const { permissions, archived } = membersOf(found.json)
  const { push, admin } = membersOf(permissions)
  const write = archived !== true && (push === true || admin === true)
  return { exists: true, write, archived: archived === true, issues: hasIssues(found.json) }
}

/** No forge has a comment with this number. */
const noComment = 999_999_999_999_999

/**
 * A repo's answer tells an account's rights and nothing of the token's scopes. An edit of a comment that cannot exist is refused for what the token
 * lacks, and is answered with "not found" if it lacks nothing. It changes nothing.
 */
async function mayComment(api: Api, repo: RepoRef): Promise<boolean> {
  try {
    await api.patch(`${repoPath(repo)}/issues/comments/${noComment}`, { body: '' })
  } catch (thrown) {
    if (!(thrown instanceof BurnError)) throw thrown
    if (thrown.code === 'forge_forbidden') return false
    if (thrown.code !== 'forge_not_found') throw thrown
  }
  return true
}

/** Git and curl both take the machine's own credentials, so that no prompt needs one. */
function wayToOpen(repoUrl: string, url: string, base: string): string {
  const body = `{"head":"<your branch>","base":${JSON.stringify(base)},"title":"<what changed>","body":"Closes #<number of the issue>"}`
  return (
    `Push your branch to origin with git, then open a pull request from it: with \`tea pulls create\` or \`fj pr create\` where one is set up for ${url}, ` +
    `else with \`curl --fail-with-body --netrc -H 'Content-Type: application/json' -d '${body}' ${repoUrl}/pulls\`. ` +
    'Its description must have the line `Closes #<number of the issue>`. The credentials are on this machine already; never write one down.'
  )
}
