/** References taken apart, where they are known to be right. */
import type { IssueRef, RepoRef } from './nouns.ts'

/** `owner/repo#7` → `owner/repo`. */
export function repoOf(issue: IssueRef): RepoRef {
  return issue.slice(0, issue.lastIndexOf('#'))
}
