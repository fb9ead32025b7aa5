/** The workers of one window, complete: what is nearest to the worker wins. */
import type { AgentConfig, CustomAgent, RepoRef, Worker } from '../core/nouns.ts'
import type { WrittenAgent, WrittenMachine, WrittenSpec, WrittenWindow, WrittenWorker } from './schema.ts'
import type { WrittenCustom } from './custom.ts'
import { defaults } from './defaults.ts'
import { durationMs } from './units.ts'
import { spreadHomes } from './names.ts'

/** A window as written, and what it is in. */
export interface WindowInput {
  readonly spec: WrittenSpec
  readonly fleet: string
  readonly owner: string
  readonly machine: { readonly name: string; readonly written: WrittenMachine }
  readonly window: WrittenWindow
}

/** The machines as written; none where only sprints are run. */
export function machinesIn({ machines }: WrittenSpec): Readonly<Record<string, WrittenMachine>> {
  return machines ?? {}
}

/** `owner/name` of a repo as written. */
export function fullRepo(repo: string, owner: string): RepoRef {
  return repo.includes('/') ? repo : `${owner}/${repo}`
}

/** What the window is for. */
export function laneOf(window: WrittenWindow): string {
  return window.lane ?? window.name.toLowerCase()
}

/** Workers by their names, in the order of their panes. */
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
    glyph: own.glyph ?? inTurn(window.glyphs, index) ?? defaults.glyph,
    sublane: own.sublane === undefined ? inTurn(window.sublanes, index) : own.sublane,
    repos: [...new Set(repos.map((repo) => fullRepo(repo, owner)))],
    home: own.repo === undefined || role !== 'worker' ? null : fullRepo(own.repo, owner),
    dir: own.dir ?? `${windowDir}/${name}`,
    depth: own.depth ?? window.depth ?? machine.written.depth ?? spec.dispatch?.depth ?? defaults.depth,
    agent: mergeAgents([spec.agent, machine.written.agent, window.agent, own.agent]),
  }
}

function inTurn(list: readonly string[] | undefined, index: number): string | null {
  return list === undefined || list.length === 0 ? null : (list[index % list.length] ?? null)
}

type Merged = AgentConfig & { readonly said: WrittenCustom }

/**
 * Key by key, the nearest to the worker wins; variables are merged, a command replaces. Another kind starts anew but for the variables:
 * one agent's command and model mean nothing to another.
 */
function mergeAgents(written: readonly (WrittenAgent | undefined)[]): AgentConfig {
  const start: Merged = {
    kind: defaults.agentKind,
    command: [],
    model: null,
    provider: null,
    busy_input_mode: defaults.busyInputMode,
    hooks: defaults.hooks,
    env: {},
    said: {},
  }
  const { said, ...agent } = written.reduce<Merged>((far, near) => {
    const base = near?.kind === undefined || near.kind === far.kind ? far : { ...start, kind: near.kind }
    return {
      kind: base.kind,
      command: near?.command ?? base.command,
      model: near?.model ?? base.model,
      provider: near?.provider ?? base.provider,
      busy_input_mode: near?.busy_input_mode ?? base.busy_input_mode,
      hooks: near?.hooks ?? base.hooks,
      env: { ...far.env, ...near?.env },
      said: { ...base.said, ...near },
    }
  }, start)
  const custom = agent.kind === 'custom' ? completeCustom(said) : null
  return custom === null ? agent : { ...agent, custom }
}

/** With every default filled in, from the nearest that is written; null where there are no patterns. */
function completeCustom({ patterns: said, submit, submit_delay }: WrittenCustom): CustomAgent | null {
  if (said === undefined) return null
  return {
    ready: said.ready ?? null,
    composer: said.composer,
    below: said.below ?? null,
    placeholder: said.placeholder ?? null,
    working: said.working ?? [],
    waiting: said.waiting ?? [],
    error: said.error ?? [],
    rows: said.rows ?? defaults.stateRows,
    submit: submit ?? defaults.submit,
    submit_delay: durationMs(submit_delay ?? defaults.submitDelay),
  }
}
