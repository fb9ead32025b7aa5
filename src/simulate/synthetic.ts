/** What is supposed: issues that nobody has written yet, and machines that nobody has bought. */
import type { Fleet, Issue, Machine, RepoRef, Time } from '../core/nouns.ts'

/** A fleet with one more machine like one that it has. */
export function withOneMore(fleet: Fleet, like: Machine): Fleet {
  const taken = new Set(fleet.machines.map(({ name }) => name))
  let name = like.name
  for (let count = 2; taken.has(name); count++) name = `${like.name}-${count}`
  const windows = like.windows.map((window) => ({
    ...window,
    workers: window.workers.map((worker) => ({ ...worker, id: `${name}/${worker.window}/${worker.name}`, machine: name })),
  }))
  return { ...fleet, machines: [...fleet.machines, { ...like, name, windows }] }
}

/** Somebody whom the fleet trusts. */
export function trustedAuthor({ dispatch }: Fleet): string {
  const { authors } = dispatch.trust
  return typeof authors === 'string' ? 'somebody' : (authors[0] ?? 'somebody')
}

/** Repos whose issues are work for some window. */
export function workedRepos({ machines }: Fleet): RepoRef[] {
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  return [...new Set(workers.flatMap(({ role, repos }) => (role === 'worker' ? repos : [])))].toSorted()
}

const nobody: readonly string[] = []

/** An issue's repo and number, and what is known of it beyond. */
type Supposed = Pick<Issue, 'repo' | 'number'> & Partial<Issue>

export function syntheticIssue({ repo, number, ...changes }: Supposed, fleet: Fleet, now: Time): Issue {
  return {
    ref: `${repo}#${number}`,
    repo,
    number,
    title: `Issue ${number}`,
    body: '',
    labels: nobody,
    assignees: nobody,
    author: trustedAuthor(fleet),
    state: 'open',
    created_at: now + number,
    updated_at: now + number,
    comments: 0,
    url: '',
    ...changes,
  }
}

/** So many issues, spread evenly over the repos that somebody serves. */
export function syntheticIssues(count: number, fleet: Fleet, now: Time): Issue[] {
  const repos = workedRepos(fleet)
  return Array.from({ length: repos.length === 0 ? 0 : count }, (_, index) =>
    syntheticIssue({ repo: repos[index % repos.length] ?? '', number: Math.floor(index / repos.length) + 1 }, fleet, now),
  )
}
