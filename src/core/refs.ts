/** References taken apart, where they are known to be right. */
import type { Fleet, IssueRef, Machine, RepoRef, WorkerId } from './nouns.ts'

/** `owner/repo#7` → `owner/repo`. */
export function repoOf(issue: IssueRef): RepoRef {
  return issue.slice(0, issue.lastIndexOf('#'))
}

/** `machine/WINDOW/NAME` → `machine`. */
export function machineOf(worker: WorkerId): string {
  return worker.slice(0, worker.indexOf('/'))
}

/** Repos that some window of these machines serves, each once. */
export function servedRepos(machines: readonly Machine[]): RepoRef[] {
  const served = new Set<RepoRef>()
  for (const { windows } of machines)
    for (const { workers } of windows) for (const { repos } of workers) for (const repo of repos) served.add(repo)
  return [...served].toSorted()
}

/** Repos that windows serve or sprints take issues from, each once. */
export function reposOf({ machines, sprint }: Pick<Fleet, 'machines' | 'sprint'>): RepoRef[] {
  return [...new Set([...servedRepos(machines), ...(sprint?.repos ?? [])])].toSorted()
}
