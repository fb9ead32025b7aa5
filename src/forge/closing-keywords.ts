/**
 * Finds the issues that a change closes: those with a closing keyword right before their reference, in the change's title or body. Gitea,
 * Forgejo and GitHub use these keywords and references.
 */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import { proseOf } from '../core/markdown.ts'

/**
 * The maximum number of closed issues that burn reads from one change. A change that closes more issues was not made for a single issue.
 */
export const maxClosedIssues = 1_000

/** The maximum number of characters of a body that burn reads. The limits of the forges are far lower. */
const maxLength = 1_000_000

const closingKeyword = String.raw`(?<=^|[\s([_])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]{1,4}`
const reference = String.raw`(?:([\w.-]{1,100}\/[\w.-]{1,100})?#([1-9]\d{0,14})|(https?:\/\/[^\s)\]'"<>]{1,400}?)\/([\w.-]{1,100}\/[\w.-]{1,100})\/(?:issues|pulls)\/([1-9]\d{0,14}))`
const end = String.raw`(?=$|[\s)\]'"_]|[:;,.?!](?:\s|$))`
const closing = new RegExp(`${closingKeyword}${reference}${end}`, 'gim')

/**
 * Returns the issues that a change with this title and body closes, each once, at most `maxClosedIssues`. References in code, quotations
 * and HTML comments do not count. `url` is the forge's own address; a URL of another forge does not count either.
 */
export function issuesClosedBy(repo: RepoRef, url: string, { title, body }: { readonly title: string; readonly body: string }): IssueRef[] {
  const found = new Set<IssueRef>()
  for (const text of [title, proseOf(body.slice(0, maxLength))]) {
    for (const [, otherRepo, number, base, path, inPath] of text.replaceAll(/[*~]/g, '').matchAll(closing)) {
      if (found.size === maxClosedIssues) return [...found]
      if (base !== undefined && base.toLowerCase() !== url.toLowerCase()) continue
      found.add(`${path ?? otherRepo ?? repo}#${inPath ?? number}`)
    }
  }
  return [...found]
}
