/** Makes a Fleet from a spec: fills in every default, and names every worker. */
import type { DispatchPolicy, Fleet, Machine, Transport, Window } from '../core/nouns.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { KnownWorker } from './names.ts'
import type { ForgeKind, ForgeSettings } from './forges.ts'
import type { WrittenMachine, WrittenSpec } from './schema.ts'
import { crossFindings } from './cross.ts'
import { overBudgetLabel } from '../core/budget.ts'
import { completeChanges, completeRepoChanges } from './complete-changes.ts'
import { reposOf, servedRepos } from '../core/refs.ts'
import { completeDelegation } from './complete-delegation.ts'
import { completeAccounts, completeBudgets } from './complete-limits.ts'
import { completeNotify, notifyFindings } from './complete-notify.ts'
import { completeModels } from './complete-models.ts'
import {
  completeDrift,
  completeHealth,
  completeLogins,
  completePrices,
  completeSnapshot,
  completeTelemetry,
  completeWorkerSettings,
} from './complete-observation.ts'
import { completeSprint } from './complete-sprint.ts'
import { defaults } from './defaults.ts'
import { aliasFindings, deprecationsIn, withCurrentKeys } from './deprecated.ts'
import { drawNames, knownNames } from './names.ts'
import { durationMs } from './units.ts'
import { throwFindings } from './findings.ts'
import { positionsIn } from './jsonc.ts'
import { fleetName, ledgerOf, type OwnFile } from './places.ts'
import { completeWorkers, fullRepo, laneOf, machinesIn } from './worker.ts'

/** The facts that `completeSpec` needs in addition to the spec. */
export interface CompleteOptions {
  /** The person's home directory, for `~/` in paths of this machine. */
  readonly home: string
  readonly ownFile: OwnFile
  /** The workers in the ledger, in the order in which burn recorded them. These workers keep the names that burn chose for them. */
  readonly known: readonly KnownWorker[]
  /** The text and the file of the spec, for the line and column of findings. Relative paths in the spec start at the folder of the file. */
  readonly text: string
  readonly file: string
  /** All kinds of events. If undefined, burn does not check the kinds in `notify.rules`. */
  readonly event_kinds?: readonly string[]
}

/** A Fleet whose `forge` has all settings of its kind, such as the path of a folder. */
export type DeclaredFleet = Fleet & { readonly forge: ForgeSettings[ForgeKind] }

/** The result of `completeSpec`. */
export interface Completed {
  readonly fleet: DeclaredFleet
  /** All workers of the fleet, for the ledger. `drawn` tells whether burn chose the name of a worker. */
  readonly workers: readonly KnownWorker[]
  /** Messages about keys and values that the next release refuses, one line each. */
  readonly deprecations: readonly string[]
}

/** Returns the Fleet of a spec. Throws SpecError with every contradiction between keys of the spec. */
export function completeSpec(written: WrittenSpec, options: CompleteOptions): Completed {
  const spec = withCurrentKeys(written)
  const owner = spec.forge.owner ?? defaults.folderOwner
  const used = namesInUse(spec, options.known)
  const local = (path: string) => localPath(path, options.home, folderOf(options.file))
  const template = (path: string | undefined) => (path === undefined ? null : local(path))
  const machines = Object.entries(machinesIn(spec)).map(([name, written]) =>
    completeMachine({ spec, name, written, owner, known: options.known, used }),
  )
  const models = completeModels(spec)
  const changes = completeChanges(spec)
  const sprint = completeSprint(spec.sprint, {
    chain: models.chain,
    served: servedRepos(machines),
    full: (repo) => fullRepo(repo, owner),
    local,
    dir: options.ownFile('state', `${fleetName(spec)}/sprints`),
  })
  const fleet: DeclaredFleet = {
    name: fleetName(spec),
    forge: completeForge(spec, local, options.ownFile),
    dispatch: completePolicy(spec),
    ledger: ledgerOf(spec, options),
    retention: spec.retention == null ? defaults.retention : durationMs(spec.retention),
    telemetry: completeTelemetry(spec),
    health: completeHealth(spec),
    worker: completeWorkerSettings(spec),
    drift: completeDrift(spec),
    snapshot: completeSnapshot(spec, local, options.ownFile('state', `${fleetName(spec)}/snapshots`)),
    logins: completeLogins(spec),
    notify: completeNotify(spec.notify),
    prices: completePrices(spec),
    changes,
    repos: Object.entries(spec.repos ?? {}).map(([repo, { base, check, setup, copy, changes: own, clone_url }]) => ({
      repo: fullRepo(repo, owner),
      base: base ?? null,
      check: check ?? null,
      setup: setup ?? null,
      copy: copy === undefined ? null : { from: local(copy.from), files: copy.files },
      changes: completeRepoChanges(own, changes),
      clone_url: clone_url ?? null,
    })),
    machines,
    accounts: completeAccounts(spec, machines),
    budgets: completeBudgets(spec),
    models,
    sprint,
    delegation: completeDelegation(spec, reposOf({ machines, sprint, delegation: null }), (repo) => fullRepo(repo, owner)),
    templates: {
      work: template(spec.templates?.work),
      identity: template(spec.templates?.identity),
      council: template(spec.templates?.council),
    },
  }
  const positions = positionsIn(options.text, options.file)
  throwFindings([...aliasFindings(written), ...crossFindings(spec, fleet), ...notifyFindings(spec.notify, options.event_kinds)], positions)
  return { fleet, workers: workerRecords(spec, fleet), deprecations: deprecationsIn(written, positions) }
}

function folderOf(file: string): string {
  const end = file.lastIndexOf('/')
  return end < 0 ? '.' : file.slice(0, end)
}

/**
 * Returns the absolute path of a path in the spec. `~/` stands for `home`, and a relative path starts at `folder`, the folder of the spec.
 */
export function localPath(path: string, home: string, folder: string): string {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1)
  return path.startsWith('/') ? path : `${folder}/${path.replace(/^\.\//, '')}`
}

/** Fills in the defaults of the spec's `forge`. Every kind of forge has a `path` on this machine, or a `url` and a `token`. */
function completeForge({ forge }: Pick<WrittenSpec, 'forge'>, local: (path: string) => string, ownFile: OwnFile): ForgeSettings[ForgeKind] {
  const owner = forge.owner ?? defaults.folderOwner
  if ('path' in forge) return { ...forge, owner, path: local(forge.path) }
  const { ca_file, headers, ...more } = forge
  return {
    ...more,
    owner,
    url: forge.url.replace(/\/+$/, ''),
    // The cast is safe: the schema allows only one source of a secret, but its type can't express that.
    token: (forge.token ?? { file: ownFile('config', 'token') }) as SecretSource,
    // The cast is safe for the same reason.
    ...(headers === undefined ? {} : { headers: headers as Readonly<Record<string, SecretSource>> }),
    ...(ca_file === undefined ? {} : { ca_file: local(ca_file) }),
  }
}

function completePolicy({ dispatch = {}, sprint, budget }: WrittenSpec): DispatchPolicy {
  const skipped = dispatch.skip_labels ?? defaults.skipLabels
  return {
    interval: durationMs(dispatch.interval ?? defaults.interval),
    skip_labels: budget === undefined || skipped.includes(overBudgetLabel) ? skipped : [...skipped, overBudgetLabel],
    skip_titles: dispatch.skip_titles ?? defaults.skipTitles,
    priority_labels: (dispatch.priority_labels ?? sprint?.priority_labels ?? defaults.priorityLabels).map((level) => [level].flat()),
    council_labels: dispatch.council_labels ?? defaults.councilLabels,
    assigned: dispatch.assigned ?? defaults.assigned,
    idle_timeout: dispatch.idle_timeout === null ? null : durationMs(dispatch.idle_timeout ?? defaults.idleTimeout),
    stale_after: durationMs(dispatch.stale_after ?? defaults.staleAfter),
    max_attempts: dispatch.max_attempts ?? defaults.maxAttempts,
    retry_after: durationMs(dispatch.retry_after ?? defaults.retryAfter),
    shared_forge: dispatch.shared_forge ?? defaults.sharedForge,
    branch_prefix: dispatch.branch_prefix ?? defaults.branchPrefix,
    trust: completeTrust(dispatch.trust),
  }
}

function completeTrust(trust: NonNullable<WrittenSpec['dispatch']>['trust']): DispatchPolicy['trust'] {
  const authors = trust?.authors ?? defaults.authors
  // Nobody may approve an issue by a comment who may not approve it as its author.
  const commands = trust?.commands ?? (typeof authors === 'string' ? defaults.commands : authors)
  return { authors, labels: trust?.labels ?? defaults.trustedLabels, commands }
}

interface MachineInput {
  readonly spec: WrittenSpec
  readonly name: string
  readonly written: WrittenMachine
  readonly owner: string
  readonly known: readonly KnownWorker[]
  /** The names that workers of the fleet have or had. burn chooses none of them for a new worker. */
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

/** Returns all workers of the fleet. `drawn` tells whether burn chose the name, because the spec gives none. */
function workerRecords(spec: WrittenSpec, fleet: Fleet): KnownWorker[] {
  return fleet.machines.flatMap((machine) =>
    machine.windows.flatMap(({ workers }, index) => {
      const written = machinesIn(spec)[machine.name]?.windows[index]?.names ?? []
      return workers.map(({ id, name }) => ({ id, drawn: !written.includes(name) }))
    }),
  )
}
