/** Functions that split the references of issues and workers, and list repos. They expect valid references. */
import type { ChangeRef } from './change-state.ts'
import type { Fleet, IssueRef, Machine, RepoRef, WorkerId } from './nouns.ts'

/** Returns the repo of an issue: `owner/repo` for `owner/repo#7`. */
export function repoOf(issue: IssueRef): RepoRef {
  return issue.slice(0, issue.lastIndexOf('#'))
}

/** Returns the number of an issue: 7 for `owner/repo#7`. */
export function issueNumber(issue: IssueRef): number {
  return Number(issue.slice(issue.lastIndexOf('#') + 1))
}

/** Returns the repo of an issue or a change: `owner/repo` for `owner/repo#7` and `owner/repo!7`. */
export function repoOfSubject(ref: IssueRef | ChangeRef): RepoRef {
  return ref.slice(0, Math.max(ref.lastIndexOf('#'), ref.lastIndexOf('!')))
}

/** Returns the machine of a worker: `machine` for `machine/WINDOW/NAME`. */
export function machineOf(worker: WorkerId): string {
  return worker.slice(0, worker.indexOf('/'))
}

/** Returns the repos that workers of these machines serve, sorted and without duplicates. */
export function servedRepos(machines: readonly Machine[]): RepoRef[] {
  const served = new Set<RepoRef>()
  for (const { windows } of machines)
    for (const { workers } of windows) for (const { repos } of workers) for (const repo of repos) served.add(repo)
  return [...served].toSorted()
}

/** Returns the repos that workers serve, and those of sprints and of delegation, sorted and without duplicates. */
export function reposOf({ machines, sprint, delegation }: Pick<Fleet, 'machines' | 'sprint' | 'delegation'>): RepoRef[] {
  const delegated = delegation?.agents.flatMap(({ repos }) => repos) ?? []
  return [...new Set([...servedRepos(machines), ...(sprint?.repos ?? []), ...delegated])].toSorted()
}

/** Returns the reference of a change of a repo. `name` is `Change.name`, such as `#12` or `7-2.md`. */
export function changeRef(repo: RepoRef, name: string): ChangeRef {
  return `${repo}!${name.replace(/^#/, '').replace(/\.md$/, '')}`
}
