/** Completes a spec to the Fleet: fills in every default, and names every worker. */
import type { DispatchPolicy, Fleet, Machine, SecretSource, Transport, Window } from '../core/nouns.ts'
import type { KnownWorker } from './names.ts'
import type { ForgeKind, ForgeSettings } from './forges.ts'
import type { WrittenMachine, WrittenSpec } from './schema.ts'
import { crossFindings } from './cross.ts'
import { servedRepos } from '../core/refs.ts'
import { completeSprint } from './complete-sprint.ts'
import { defaults } from './defaults.ts'
import { aliasFindings, deprecationsIn, withCurrentKeys } from './deprecated.ts'
import { drawNames, knownNames } from './names.ts'
import { durationMs } from './units.ts'
import { throwFindings } from './findings.ts'
import { positionsIn } from './jsonc.ts'
import { completeWorkers, fullRepo, laneOf, machinesIn } from './worker.ts'

/** The context of a spec. */
export interface CompleteOptions {
  /** The person's home directory, for `~/` in paths of this machine. */
  readonly home: string
  /** The workers in the ledger, in the order in which they were recorded. They keep their drawn names. */
  readonly known: readonly KnownWorker[]
  /** The spec's text and its file, for the places of findings. Relative paths start at the file's folder. */
  readonly text: string
  readonly file: string
}

/** The fleet, with the settings of its kind of forge. */
export type DeclaredFleet = Fleet & { readonly forge: ForgeSettings[ForgeKind] }

/** A complete spec. */
export interface Completed {
  readonly fleet: DeclaredFleet
  /** Its workers for the ledger, with whether burn drew their names. */
  readonly workers: readonly KnownWorker[]
  /** Lines for people about keys and values that the next release refuses. */
  readonly deprecations: readonly string[]
}

/** Returns the complete fleet. Throws SpecError with every contradiction in the spec. */
export function completeSpec(written: WrittenSpec, options: CompleteOptions): Completed {
  const spec = withCurrentKeys(written)
  const owner = spec.forge.owner ?? defaults.folderOwner
  const used = namesInUse(spec, options.known)
  const local = (path: string) => localPath(path, options.home, folderOf(options.file))
  const template = (path: string | undefined) => (path === undefined ? null : local(path))
  const machines = Object.entries(machinesIn(spec)).map(([name, written]) =>
    completeMachine({ spec, name, written, owner, known: options.known, used }),
  )
  const fleet: DeclaredFleet = {
    name: fleetName(spec),
    forge: completeForge(spec, local),
    dispatch: completePolicy(spec),
    ledger: ledgerOf(spec, options.home),
    retention: spec.retention == null ? defaults.retention : durationMs(spec.retention),
    repos: Object.entries(spec.repos ?? {}).map(([repo, { base, check, setup, clone_url }]) => ({
      repo: fullRepo(repo, owner),
      base: base ?? defaults.base,
      check: check ?? null,
      setup: setup ?? null,
      clone_url: clone_url ?? null,
    })),
    machines,
    sprint: completeSprint(spec.sprint, {
      fleet: fleetName(spec),
      served: servedRepos(machines),
      full: (repo) => fullRepo(repo, owner),
      local,
    }),
    templates: {
      work: template(spec.templates?.work),
      identity: template(spec.templates?.identity),
      council: template(spec.templates?.council),
    },
  }
  const positions = positionsIn(options.text, options.file)
  throwFindings([...aliasFindings(written), ...crossFindings(spec, fleet)], positions)
  return { fleet, workers: workerRecords(spec, fleet), deprecations: deprecationsIn(written, positions) }
}

function fleetName(spec: WrittenSpec): string {
  return spec.name ?? defaults.name
}

function folderOf(file: string): string {
  const end = file.lastIndexOf('/')
  return end < 0 ? '.' : file.slice(0, end)
}

/** Returns the place of the ledger, with `~` replaced. It is separate from `completeSpec`, which needs the drawn names from the ledger. */
export function ledgerOf(spec: WrittenSpec, home: string): string {
  const written = spec.ledger ?? `sqlite:~/.local/state/burn-fleet/${fleetName(spec)}.db`
  return written.replace(/^sqlite:~(?=\/)/, `sqlite:${home}`)
}

/** Returns the absolute path for a path in the spec. `~/` is the person's home directory; a relative path starts at the spec's folder. */
export function localPath(path: string, home: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1)
  return path.startsWith('/') ? path : `${folder}/${path.replace(/^\.\//, '')}`
}

/** Completes the settings of a forge. Every kind either has a `path` on this machine, or is a server with a `url` and a `token`. */
function completeForge({ forge }: Pick<WrittenSpec, 'forge'>, local: (path: string) => string): ForgeSettings[ForgeKind] {
  const owner = forge.owner ?? defaults.folderOwner
  if ('path' in forge) return { ...forge, owner, path: local(forge.path) }
  // The schema allows only one source, but its type can't express that.
  return { ...forge, owner, url: forge.url.replace(/\/+$/, ''), token: (forge.token ?? defaults.token) as SecretSource }
}

function completePolicy({ dispatch = {} }: WrittenSpec): DispatchPolicy {
  return {
    interval: durationMs(dispatch.interval ?? defaults.interval),
    skip_labels: dispatch.skip_labels ?? defaults.skipLabels,
    skip_titles: dispatch.skip_titles ?? defaults.skipTitles,
    council_labels: dispatch.council_labels ?? defaults.councilLabels,
    assigned: dispatch.assigned ?? defaults.assigned,
    idle_timeout: dispatch.idle_timeout === null ? null : durationMs(dispatch.idle_timeout ?? defaults.idleTimeout),
    stale_after: durationMs(dispatch.stale_after ?? defaults.staleAfter),
    max_attempts: dispatch.max_attempts ?? defaults.maxAttempts,
    retry_after: durationMs(dispatch.retry_after ?? defaults.retryAfter),
    shared_forge: dispatch.shared_forge ?? defaults.sharedForge,
    trust: { authors: dispatch.trust?.authors ?? defaults.authors, labels: dispatch.trust?.labels ?? defaults.trustedLabels },
  }
}

interface MachineInput {
  readonly spec: WrittenSpec
  readonly name: string
  readonly written: WrittenMachine
  readonly owner: string
  readonly known: readonly KnownWorker[]
  /** All names of the fleet so far. burn draws none of them again. */
  readonly used: Set<string>
}

function completeMachine({ spec, name, written, owner, known, used }: MachineInput): Machine {
  const windows = written.windows.map((window): Window => {
    const own = window.names ?? []
    const before = knownNames(known, name, window.name)
    const names = drawNames({ written: own, panes: window.panes ?? Math.max(1, own.length), known: before }, used, `${name}/${window.name}`)
    const input = { spec, fleet: fleetName(spec), owner, machine: { name, written }, window }
    return { name: window.name, lane: laneOf(window), workers: completeWorkers(input, names) }
  })
  return {
    name,
    transport: transportOf(written),
    cores: written.cores ?? null,
    ram_gb: written.ram_gb ?? null,
    session: written.session ?? spec.session ?? fleetName(spec),
    socket: written.socket ?? spec.socket ?? `burn-${fleetName(spec)}`,
    tmux: written.tmux ?? spec.tmux ?? defaults.tmux,
    windows,
    state_dir: `~/.local/state/burn-fleet/${fleetName(spec)}/${name}`,
  }
}

function namesInUse(spec: WrittenSpec, known: readonly KnownWorker[]): Set<string> {
  const written = Object.values(machinesIn(spec)).flatMap(({ windows }) => windows.flatMap(({ names }) => names ?? []))
  return new Set([...written, ...known.map(({ id }) => id.slice(id.lastIndexOf('/') + 1))])
}

function transportOf({ host, ssh, exec }: WrittenMachine): Transport {
  if (exec !== undefined) return { kind: 'exec', argv: exec }
  return host === undefined ? { kind: 'local' } : { kind: 'ssh', host, port: ssh?.port ?? null, options: ssh?.options ?? {} }
}

/** Returns the workers, each with whether burn drew its name. */
function workerRecords(spec: WrittenSpec, fleet: Fleet): KnownWorker[] {
  return fleet.machines.flatMap((machine) =>
    machine.windows.flatMap(({ workers }, index) => {
      const written = machinesIn(spec)[machine.name]?.windows[index]?.names ?? []
      return workers.map(({ id, name }) => ({ id, drawn: !written.includes(name) }))
    }),
  )
}
