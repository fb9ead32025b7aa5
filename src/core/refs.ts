/** References taken apart, where they are known to be right. */
import type { IssueRef, Machine, RepoRef } from './nouns.ts'

/** `owner/repo#7` → `owner/repo`. */
export function repoOf(issue: IssueRef): RepoRef {
  return issue.slice(0, issue.lastIndexOf('#'))
}

/** Repos that some window of these machines serves, each once. */
export function servedRepos(machines: readonly Machine[]): RepoRef[] {
  const served = new Set<RepoRef>()
  for (const { windows } of machines)
    for (const { workers } of windows) for (const { repos } of workers) for (const repo of repos) served.add(repo)
  return [...served].toSorted()
}
