/** From what people wrote to the Fleet: every default filled in, every worker named. */
import type { AgentConfig, DispatchPolicy, Fleet, ForgeConfig, Machine, RepoRef, SecretSource, Transport, Window, Worker } from '../core/nouns.ts'
import type { KnownWorker } from './draw.ts'
import type { WrittenAgent, WrittenMachine, WrittenSpec, WrittenWindow } from './schema.ts'
import { crossComplaints } from './cross.ts'
import { defaults } from './defaults.ts'
import { drawNames, knownNames } from './draw.ts'
import { durationMs } from './duration.ts'
import { refuse } from './findings.ts'
import { positionsIn } from './load.ts'

export interface CompleteOptions {
  /** The person's home, for `~/` in paths of this machine. */
  readonly home: string
  /** Workers recorded before, in the order of recording: drawn names stay. */
  readonly known: readonly KnownWorker[]
  /** The spec's text and file, to say where something is wrong. Relative paths start at the file's folder. */
  readonly text: string
  readonly file: string
}

export interface Completed {
  readonly fleet: Fleet
  /** Its workers, and whether their names were drawn: to be recorded. */
  readonly workers: readonly KnownWorker[]
}

/** Throws SpecError with everything that does not agree. */
export function completeSpec(spec: WrittenSpec, options: CompleteOptions): Completed {
  refuse(crossComplaints(spec), positionsIn(options.text, options.file))
  const owner = spec.forge.owner ?? defaults.folderOwner
  const drawn: KnownWorker[] = []
  const machines = Object.entries(spec.machines).map(([name, machine]) => completeMachine({ spec, name, machine, owner }, options.known, drawn))
  const folder = options.file.slice(0, Math.max(0, options.file.lastIndexOf('/')))
  const local = (path: string) => localPath(path, options.home, folder)
  const fleet: Fleet = {
    name: fleetName(spec),
    forge: completeForge(spec, local),
    dispatch: completePolicy(spec),
    ledger: ledgerOf(spec, options.home),
    repos: Object.entries(spec.repos ?? {}).map(([repo, { base, check, clone_url }]) => ({
      repo: fullRepo(repo, owner),
      base: base ?? defaults.base,
      check: check ?? null,
      clone_url: clone_url ?? null,
    })),
    machines,
    templates: {
      work: spec.templates?.work === undefined ? null : local(spec.templates.work),
      identity: spec.templates?.identity === undefined ? null : local(spec.templates.identity),
      council: spec.templates?.council === undefined ? null : local(spec.templates.council),
    },
  }
  return { fleet, workers: drawn }
}

const fleetName = (spec: WrittenSpec) => spec.name ?? defaults.name
const fullRepo = (repo: string, owner: string): RepoRef => (repo.includes('/') ? repo : `${owner}/${repo}`)

/** Where the ledger is, with the person's home filled in. Known before the fleet is complete, since it has the drawn names. */
export function ledgerOf(spec: WrittenSpec, home: string): string {
  const written = spec.ledger ?? `sqlite:~/.local/state/burn-fleet/${fleetName(spec)}.db`
  return written.replace(/^sqlite:~(?=\/)/, `sqlite:${home}`)
}

/** A path of this machine: `~/` is the person's home, and a relative one starts at the spec's folder. */
export function localPath(path: string, home: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1)
  return path.startsWith('/') ? path : `${folder}/${path.replace(/^\.\//, '')}`
}

function completeForge({ forge }: WrittenSpec, local: (path: string) => string): ForgeConfig {
  if (forge.kind === 'folder') return { kind: 'folder', path: local(forge.path), owner: forge.owner ?? defaults.folderOwner }
  return { kind: 'gitea', url: forge.url.replace(/\/+$/, ''), owner: forge.owner, token: (forge.token ?? defaults.token) as SecretSource }
}

function completePolicy({ dispatch = {} }: WrittenSpec): DispatchPolicy {
  return {
    interval: durationMs(dispatch.interval ?? defaults.interval),
    skip_labels: dispatch.skip_labels ?? defaults.skipLabels,
    skip_titles: dispatch.skip_titles ?? defaults.skipTitles,
    council_labels: dispatch.council_labels ?? defaults.councilLabels,
    assigned: dispatch.assigned ?? defaults.assigned,
    stale_after: durationMs(dispatch.stale_after ?? defaults.staleAfter),
    max_attempts: dispatch.max_attempts ?? defaults.maxAttempts,
    trust: { authors: dispatch.trust?.authors ?? defaults.authors, labels: dispatch.trust?.labels ?? defaults.trustedLabels },
  }
}

interface MachineInput {
  readonly spec: WrittenSpec
  readonly name: string
  readonly machine: WrittenMachine
  readonly owner: string
}

function completeMachine(input: MachineInput, known: readonly KnownWorker[], drawn: KnownWorker[]): Machine {
  const { spec, name, machine } = input
  const before = new Set(machine.windows.flatMap((window) => [...(window.names ?? []), ...knownNames(known, name, window.name)]))
  const windows = machine.windows.map((window): Window => {
    const written = window.names ?? []
    const names = drawNames(written, window.panes ?? Math.max(1, written.length), knownNames(known, name, window.name), before, `${name}/${window.name}`)
    const workers = names.map((worker, index) => completeWorker(input, window, worker, index, names.length))
    drawn.push(...workers.map(({ id }, index) => ({ id, drawn: index >= written.length })))
    return { name: window.name, lane: laneOf(window), workers }
  })
  return {
    name,
    transport: transportOf(machine),
    cores: machine.cores ?? null,
    ram_gb: machine.ram_gb ?? null,
    session: machine.session ?? spec.session ?? fleetName(spec),
    socket: machine.socket ?? spec.socket ?? `burn-${fleetName(spec)}`,
    tmux: machine.tmux ?? spec.tmux ?? defaults.tmux,
    windows,
  }
}

const laneOf = (window: WrittenWindow) => window.lane ?? window.name.toLowerCase()

function transportOf({ host, ssh, exec }: WrittenMachine): Transport {
  if (exec !== undefined) return { kind: 'exec', argv: exec }
  return host === undefined ? { kind: 'local' } : { kind: 'ssh', host, port: ssh?.port ?? null, options: ssh?.options ?? {} }
}

function completeWorker({ spec, name: machineName, machine, owner }: MachineInput, window: WrittenWindow, name: string, index: number, panes: number): Worker {
  const own = window.workers?.[name] ?? {}
  const role = own.role ?? window.role ?? machine.role ?? defaults.role
  const repos = (own.repos ?? window.repos ?? machine.repos ?? []).map((repo) => fullRepo(repo, owner))
  const pick = (list: readonly string[] | undefined) => (list === undefined || list.length === 0 ? null : (list[index % list.length] ?? null))
  return {
    id: `${machineName}/${window.name}/${name}`,
    name,
    machine: machineName,
    window: window.name,
    lane: laneOf(window),
    pane: index + 1,
    role,
    glyph: own.glyph ?? pick(window.glyphs) ?? defaults.glyph,
    sublane: own.sublane === undefined ? pick(window.sublanes) : own.sublane,
    repos: role === 'worker' ? repos : [],
    home: role === 'worker' ? homeOf(own.repo === undefined ? null : fullRepo(own.repo, owner), repos, index, panes) : null,
    dir: own.dir ?? `${dirOf(spec, machineName, machine, window)}/${name}`,
    depth: own.depth ?? window.depth ?? machine.depth ?? spec.dispatch?.depth ?? defaults.depth,
    agent: mergeAgents([spec.agent, machine.agent, window.agent, own.agent]),
  }
}

/** Without a word of its own: the window's repos in turn by pane, so that each repo has workers that stay with it. */
function homeOf(own: RepoRef | null, repos: readonly RepoRef[], index: number, panes: number): RepoRef | null {
  return own ?? repos[repos.length > panes ? index : index % repos.length] ?? null
}

function dirOf(spec: WrittenSpec, machineName: string, machine: WrittenMachine, window: WrittenWindow): string {
  const fleet = spec.dir ?? `~/.local/state/burn-fleet/${fleetName(spec)}`
  return window.dir ?? `${machine.dir ?? `${fleet}/${machineName}`}/${window.name}`
}

/** Key by key, the nearest to the worker wins; variables are merged, a command replaces. */
function mergeAgents(written: readonly (WrittenAgent | undefined)[]): AgentConfig {
  const agents = written.filter((agent) => agent !== undefined)
  const last = <K extends keyof WrittenAgent>(key: K) => agents.findLast((agent) => agent[key] !== undefined)?.[key]
  return {
    kind: last('kind') ?? defaults.agentKind,
    command: last('command') ?? [],
    model: last('model') ?? null,
    provider: last('provider') ?? null,
    busy_input_mode: last('busy_input_mode') ?? defaults.busyInputMode,
    env: Object.assign({}, ...agents.map(({ env }) => env ?? {})) as Record<string, string>,
  }
}
