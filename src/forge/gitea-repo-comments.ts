/** Reads the comments on all issues and changes of a repo of Gitea or Forgejo. */
import type { ChangeRef } from '../core/change-state.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { CommentPage, RepoComment } from '../core/ports.ts'
import type { Api } from './api.ts'
import { membersOf } from '../core/json.ts'
import { changeRef } from '../core/refs.ts'
import { commentOf } from './gitea-objects.ts'
import { sinceQuery } from './gitea-timeline.ts'
import { listAll } from './paging.ts'
import { repoPath } from './refs.ts'

/** Returns the comments of a repo since a time. See `Forge.repoComments`. burn leaves out a comment that is too large or malformed. */
export async function listRepoComments(api: Api, repo: RepoRef, since: Time, containing: string): Promise<CommentPage> {
  const wanted = containing.toLowerCase()
  const keep = (item: unknown) => {
    const comment = commentOf(item)
    const ref = comment?.body.toLowerCase().includes(wanted) === true ? refOf(repo, item) : null
    const value: RepoComment | null = comment === null || ref === null ? null : { ...comment, ref }
    return { key: membersOf(item)['id'], value }
  }
  const { values, date } = await listAll(api, `${repoPath(repo)}/issues/comments`, sinceQuery(since), keep)
  // Without the server's clock, the next request begins where this one began.
  return { comments: values.filter((value) => value !== null), asked_at: date ?? since }
}

/** Returns the issue or the change of a comment; null if its address is malformed. Exactly one of the two fields has an address. */
function refOf(repo: RepoRef, item: unknown): IssueRef | ChangeRef | null {
  const { issue_url, pull_request_url } = membersOf(item)
  const [issue, change] = [issue_url, pull_request_url].map(numberAtEnd)
  if (change !== undefined) return changeRef(repo, change)
  return issue === undefined ? null : `${repo}#${issue}`
}

function numberAtEnd(url: unknown): string | undefined {
  return typeof url === 'string' ? /\/(?:issues|pulls)\/([1-9]\d{0,14})$/.exec(url)?.[1] : undefined
}
