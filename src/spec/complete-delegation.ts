/** Fills in the defaults of the spec's `delegation`, and finds contradictions in it. */
import type { DelegationAgent, DelegationPolicy, Weights } from '../core/delegation-settings.ts'
import type { Machine, RepoRef } from '../core/nouns.ts'
import type { PathFinding } from './findings.ts'
import type { WrittenSpec } from './schema.ts'
import { isSameLogin } from '../core/assignees.ts'
import { nearest } from '../core/suggest.ts'
import { defaults } from './defaults.ts'
import { durationMs } from './units.ts'

type Written = Pick<WrittenSpec, 'delegation'>

/** Returns the settings of delegation; null if the spec has no key `delegation`. `full`: completes the name of a repo. */
export function completeDelegation(
  { delegation }: Written,
  known: readonly RepoRef[],
  full: (repo: string) => RepoRef,
): DelegationPolicy | null {
  if (delegation === undefined) return null
  return {
    threshold: delegation.threshold ?? defaults.delegationThreshold,
    deadline: durationMs(delegation.deadline ?? defaults.delegationDeadline),
    agents: Object.entries(delegation.agents).map(([name, { login, keywords, labels, paths, repos, capacity, lane }]): DelegationAgent => ({
      name,
      login: login ?? name,
      keywords: weightsOf(keywords),
      labels: weightsOf(labels),
      paths: weightsOf(paths),
      repos: repos === undefined ? known : [...new Set(repos.map(full))],
      capacity: capacity ?? defaults.delegationCapacity,
      lane: lane ?? null,
    })),
  }
}

function weightsOf(written: readonly string[] | Readonly<Record<string, number>> = []): Weights {
  return new Map(Array.isArray(written) ? written.map((text) => [text, 1]) : Object.entries(written))
}

/** Returns a finding for each agent that shares a login, that can get no issue, or whose lane cannot work on its issues. */
export function delegationFindings(
  { delegation }: Written,
  completed: DelegationPolicy | null,
  machines: readonly Machine[],
): PathFinding[] {
  const agents = completed?.agents ?? []
  return agents.flatMap((agent, index): PathFinding[] => {
    const path = ['delegation', 'agents', agent.name]
    const findings: PathFinding[] = []
    const twin = agents.slice(0, index).find(({ login }) => isSameLogin(login, agent.login))
    if (twin !== undefined) {
      const hint = 'merge the two agents, or correct "login": burn finds the agent of an issue by its assignee'
      findings.push({ path, of: 'key', what: `the agents ${twin.name} and ${agent.name} have the same login ${agent.login}`, hint })
    }
    if (agent.keywords.size + agent.labels.size + agent.paths.size === 0)
      findings.push({ path, of: 'key', what: `no issue suits the agent ${agent.name}`, hint: 'write "keywords", "labels" or "paths"' })
    if (delegation?.agents[agent.name]?.lane === undefined) return findings
    return [...findings, ...laneFindings(agent, [...path, 'lane'], machines)]
  })
}

function laneFindings({ lane, repos }: DelegationAgent, path: readonly string[], machines: readonly Machine[]): PathFinding[] {
  const windows = machines.flatMap(({ windows: each }) => each)
  const own = windows.filter((window) => window.lane === lane).flatMap(({ workers }) => workers.filter(({ role }) => role === 'worker'))
  if (own.length === 0) {
    const near = nearest(
      lane ?? '',
      windows.map((window) => window.lane),
    )
    const hint = near === null ? 'write the lane of a window, or delete this key' : `did you mean "${near}"?`
    return [{ path, what: `the fleet has no lane ${lane} with workers`, hint }]
  }
  if (own.some((worker) => worker.repos.some((repo) => repos.includes(repo)))) return []
  return [{ path, what: `no worker of the lane ${lane} serves a repo of the agent`, hint: 'add the repos to a window of the lane' }]
}
