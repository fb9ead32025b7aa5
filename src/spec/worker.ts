/**
 * Makes the workers of a window from the spec. A setting of the worker overrides one of the window, which overrides one of the machine, and
 * so on.
 */
import type { CustomAgent } from '../core/custom-agent.ts'
import type { AgentConfig, RepoRef, Worker } from '../core/nouns.ts'
import type { WrittenAgent, WrittenMachine, WrittenSpec, WrittenWindow, WrittenWorker } from './schema.ts'
import type { WrittenCustom } from './custom.ts'
import { defaults } from './defaults.ts'
import { durationMs } from './units.ts'
import { spreadHomes } from './names.ts'

/** A window of the spec, with the spec, machine and fleet that it belongs to. */
export interface WindowInput {
  readonly spec: WrittenSpec
  readonly fleet: string
  readonly owner: string
  readonly machine: { readonly name: string; readonly written: WrittenMachine }
  readonly window: WrittenWindow
}

/** Returns the machines of the spec; none if the spec has only sprints. */
export function machinesIn({ machines }: WrittenSpec): Readonly<Record<string, WrittenMachine>> {
  return machines ?? {}
}

/** Returns a repo as `owner/name`; the spec may leave out the owner. */
export function fullRepo(repo: string, owner: string): RepoRef {
  return repo.includes('/') ? repo : `${owner}/${repo}`
}

/** Returns the lane of a window, which is a word for its purpose. The default is its name in lower case. */
export function laneOf(window: WrittenWindow): string {
  return window.lane ?? window.name.toLowerCase()
}

/** Returns the workers with these names, in the order of their panes. */
export function completeWorkers(input: WindowInput, names: readonly string[]): Worker[] {
  const workers = names.map((name, index) => completeWorker(input, name, index))
  const sharing = Map.groupBy(
    workers.filter(({ home, repos }) => home === null && repos.length > 0),
    ({ repos }) => repos.join(' '),
  )
  const homes = new Map(
    [...sharing.values()].flatMap((group) => [
      ...spreadHomes(
        group.map(({ name }) => name),
        group[0]?.repos ?? [],
      ),
    ]),
  )
  return workers.map((worker) => ({ ...worker, home: worker.home ?? homes.get(worker.name) ?? null }))
}

function completeWorker({ spec, fleet, owner, machine, window }: WindowInput, name: string, index: number): Worker {
  const own: WrittenWorker = window.workers?.[name] ?? {}
  const role = own.role ?? window.role ?? machine.written.role ?? defaults.role
  const repos = role === 'worker' ? (own.repos ?? window.repos ?? machine.written.repos ?? []) : []
  const fleetDir = spec.dir ?? `~/.local/state/burn-fleet/${fleet}`
  const windowDir = window.dir ?? `${machine.written.dir ?? `${fleetDir}/${machine.name}`}/${window.name}`
  return {
    id: `${machine.name}/${window.name}/${name}`,
    name,
    machine: machine.name,
    window: window.name,
    lane: laneOf(window),
    pane: index + 1,
    role,
    glyph: own.glyph ?? itemInTurn(window.glyphs, index) ?? defaults.glyph,
    sublane: own.sublane === undefined ? itemInTurn(window.sublanes, index) : own.sublane,
    repos: [...new Set(repos.map((repo) => fullRepo(repo, owner)))],
    home: own.repo === undefined || role !== 'worker' ? null : fullRepo(own.repo, owner),
    dir: own.dir ?? `${windowDir}/${name}`,
    depth: own.depth ?? window.depth ?? machine.written.depth ?? spec.dispatch?.depth ?? defaults.depth,
    agent: mergeAgents([spec.agent, machine.written.agent, window.agent, own.agent]),
  }
}

function itemInTurn(list: readonly string[] | undefined, index: number): string | null {
  return list === undefined || list.length === 0 ? null : (list[index % list.length] ?? null)
}

type Merged = AgentConfig & { readonly written: WrittenCustom }

/**
 * Merges the agent settings of the fleet, machine, window and worker, in this order. For each key the last level counts; `env` is merged.
 * If a level sets another kind of agent, it inherits only `env`, because commands and models of one kind do not suit another.
 */
function mergeAgents(levels: readonly (WrittenAgent | undefined)[]): AgentConfig {
  const start: Merged = {
    kind: defaults.agentKind,
    command: [],
    model: null,
    provider: null,
    busy_input_mode: defaults.busyInputMode,
    hooks: defaults.hooks,
    env: {},
    written: {},
  }
  const { written, ...agent } = levels.reduce<Merged>((far, near) => {
    const base = near?.kind === undefined || near.kind === far.kind ? far : { ...start, kind: near.kind }
    return {
      kind: base.kind,
      command: near?.command ?? base.command,
      model: near?.model ?? base.model,
      provider: near?.provider ?? base.provider,
      busy_input_mode: near?.busy_input_mode ?? base.busy_input_mode,
      hooks: near?.hooks ?? base.hooks,
      env: { ...far.env, ...near?.env },
      written: { ...base.written, ...near },
    }
  }, start)
  const custom = agent.kind === 'custom' ? completeCustom(written) : null
  return custom === null ? agent : { ...agent, custom }
}

/** Returns the declaration of a custom agent with every default filled in; null if the spec gives no patterns. */
function completeCustom({ patterns, submit, submit_delay }: WrittenCustom): CustomAgent | null {
  if (patterns === undefined) return null
  return {
    ready: patterns.ready ?? null,
    composer: patterns.composer,
    below: patterns.below ?? null,
    placeholder: patterns.placeholder ?? null,
    working: patterns.working ?? [],
    waiting: patterns.waiting ?? [],
    error: patterns.error ?? [],
    rows: patterns.rows ?? defaults.stateRows,
    submit: submit ?? defaults.submit,
    submit_delay: durationMs(submit_delay ?? defaults.submitDelay),
  }
}
