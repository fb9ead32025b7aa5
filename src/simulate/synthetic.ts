/** Creates synthetic issues, and fleets with additional machines, for simulations and benchmarks. */
import type { Fleet, Issue, Machine, RepoRef, Time } from '../core/nouns.ts'

/** Returns the fleet with one more machine: a copy of `like`, with workers of its own. */
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

/** Returns the login of an author whose issues the fleet trusts. */
export function trustedAuthor({ dispatch }: Fleet): string {
  const { authors } = dispatch.trust
  return typeof authors === 'string' ? 'somebody' : (authors[0] ?? 'somebody')
}

/** Returns the repos that workers serve, sorted. */
export function workedRepos({ machines }: Fleet): RepoRef[] {
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  return [...new Set(workers.flatMap(({ role, repos }) => (role === 'worker' ? repos : [])))].toSorted()
}

const none: readonly string[] = []

/** The fields that a caller sets: repo, number and optionally others. */
type SyntheticFields = Pick<Issue, 'repo' | 'number'> & Partial<Issue>

/** Returns an open issue, with defaults for the fields that are not given. */
export function syntheticIssue({ repo, number, ...changes }: SyntheticFields, fleet: Fleet, now: Time): Issue {
  return {
    ref: `${repo}#${number}`,
    repo,
    number,
    title: `Issue ${number}`,
    body: '',
    labels: none,
    assignees: none,
    author: trustedAuthor(fleet),
    state: 'open',
    created_at: now + number,
    updated_at: now + number,
    comments: 0,
    url: '',
    ...changes,
  }
}

/** Returns issues that are spread evenly over the repos that workers serve. */
export function syntheticIssues(count: number, fleet: Fleet, now: Time): Issue[] {
  const repos = workedRepos(fleet)
  return Array.from({ length: repos.length === 0 ? 0 : count }, (_, index) =>
    syntheticIssue({ repo: repos[index % repos.length] ?? '', number: Math.floor(index / repos.length) + 1 }, fleet, now),
  )
}
