/** The parts of references. These functions expect a valid reference. */
import type { Fleet, IssueRef, Machine, RepoRef, WorkerId } from './nouns.ts'

/** Returns the repo of an issue: `owner/repo` for `owner/repo#7`. */
export function repoOf(issue: IssueRef): RepoRef {
  return issue.slice(0, issue.lastIndexOf('#'))
}

/** Returns the machine of a worker: `machine` for `machine/WINDOW/NAME`. */
export function machineOf(worker: WorkerId): string {
  return worker.slice(0, worker.indexOf('/'))
}

/** Returns the repos that some worker of these machines serves, each once, sorted. */
export function servedRepos(machines: readonly Machine[]): RepoRef[] {
  const served = new Set<RepoRef>()
  for (const { windows } of machines)
    for (const { workers } of windows) for (const { repos } of workers) for (const repo of repos) served.add(repo)
  return [...served].toSorted()
}

/** Returns the repos that workers serve or that sprints take issues from, each once, sorted. */
export function reposOf({ machines, sprint }: Pick<Fleet, 'machines' | 'sprint'>): RepoRef[] {
  return [...new Set([...servedRepos(machines), ...(sprint?.repos ?? [])])].toSorted()
}
