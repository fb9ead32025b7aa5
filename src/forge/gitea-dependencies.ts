/** Reads the blockers of issues of Gitea and Forgejo. */
import type { Blocker } from '../core/change-state.ts'
import type { IssueRef } from '../core/nouns.ts'
import { membersOf, stringOf } from '../core/json.ts'
import { oneLine } from '../core/text.ts'
import { nullOnCode } from './api.ts'
import { arrayOf } from './gitea-objects.ts'
import { issuePath } from './gitea-issues.ts'
import { readList, type Server } from './gitea-server.ts'
import { repoPath, splitIssue } from './refs.ts'

/**
 * Returns the issues and changes that block an issue, also those in other repos; an empty list if dependencies are disabled in the repo.
 * Throws BurnError `forge_not_found` if the forge does not have the issue.
 */
export async function readDependencies(server: Server, ref: IssueRef): Promise<readonly Blocker[]> {
  const list = readList(server, { path: `${issuePath(ref)}/dependencies`, items: arrayOf, end: 'short' })
  const items = await nullOnCode('forge_not_found', list)
  if (items !== null) return items.map(blockerOf)
  // For a missing issue, and for a repo without dependencies, the forge gives the same answer.
  const { internal_tracker } = membersOf((await server.api.get(repoPath(splitIssue(ref).repo))).json)
  if (membersOf(internal_tracker)['enable_issue_dependencies'] === true) await server.api.get(issuePath(ref))
  return []
}

/** An item without a number is in a repo that the token may not see. */
function blockerOf(item: unknown): Blocker {
  const { number, title, state, repository, html_url } = membersOf(item)
  const { full_name } = membersOf(repository)
  const name = oneLine(stringOf(title) ?? '')
  if (typeof number !== 'number' || number < 1 || typeof full_name !== 'string' || full_name === '')
    return { ref: null, title: name, state: 'unknown', url: null }
  const known = state === 'open' || state === 'closed' ? state : 'unknown'
  return { ref: `${full_name}#${number}`, title: name, state: known, url: stringOf(html_url) }
}
