/** The checks of a spec that a schema cannot express, because each compares several keys. */
import type { Fleet, Machine, Window, Worker } from '../core/nouns.ts'
import type { PathFinding, SpecPath } from './findings.ts'
import type { WrittenAgent, WrittenMachine, WrittenSpec, WrittenWindow } from './schema.ts'
import { machinesIn } from './worker.ts'
import { reposOf } from '../core/refs.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { delegationFindings } from './complete-delegation.ts'
import { accountFindings, backendFindings, budgetFindings } from './complete-limits.ts'
import { modelFindings } from './complete-models.ts'
import { nearest } from '../core/suggest.ts'
import { counted } from '../core/text.ts'
import { patternError } from './pattern.ts'

/** Returns the contradictions in a spec. `fleet` is the Fleet that `completeSpec` made from the spec. */
export function crossFindings(spec: WrittenSpec, fleet: Fleet): PathFinding[] {
  return [
    ...forgeFindings(spec),
    ...titleFindings(spec),
    ...hostFindings(spec),
    ...customFindings(spec, fleet),
    ...unservedFindings(spec, fleet),
    ...accountFindings(spec, fleet.machines),
    ...backendFindings(spec, fleet),
    ...budgetFindings(spec, fleet.machines),
    ...modelFindings(spec, fleet.machines),
    ...delegationFindings(spec, fleet.delegation, fleet.machines),
    ...sameServerFindings(fleet),
    ...fleet.machines.flatMap((machine) => machineFindings(machine, machinesIn(spec)[machine.name]!)),
  ]
}

function forgeFindings({ forge }: WrittenSpec): PathFinding[] {
  if (!('url' in forge)) return []
  const finding = (what: string, hint: string) => [{ path: ['forge', 'url'], what, hint }]
  if (!URL.canParse(forge.url)) return finding('forge.url is not a URL', 'write the full URL, e.g. "https://forge.example.com"')
  const url = new URL(forge.url)
  // No message repeats the URL: it may contain a password.
  if (url.username !== '' || url.password !== '')
    return finding('forge.url contains credentials', 'remove the credentials, and write "token": {"file": "…"}')
  if (!/^https?:$/.test(url.protocol)) return finding(`forge.url begins with ${url.protocol}`, 'begin the URL with https:// or http://')
  return url.search + url.hash === '' ? [] : finding('forge.url has a query or a fragment', 'write only the address of the forge')
}

function titleFindings({ dispatch, sprint }: WrittenSpec): PathFinding[] {
  const hint = 'in JSON, write each backslash twice: "^\\\\[meta\\\\]"'
  return Object.entries({ dispatch, sprint }).flatMap(([key, part]) =>
    (part?.skip_titles ?? []).flatMap((pattern, index) => {
      const why = patternError(pattern, 'iu')
      return why === null ? [] : [{ path: [key, 'skip_titles', index], what: `this is not a regular expression: ${why}`, hint }]
    }),
  )
}

function hostFindings({ sprint }: WrittenSpec): PathFinding[] {
  if (sprint?.sandbox?.use !== 'off' || sprint.sandbox.setup_hosts === undefined) return []
  const what = 'without a sandbox, burn cannot limit the hosts that the setup command may connect to'
  return [{ path: ['sprint', 'sandbox', 'setup_hosts'], what, hint: 'delete "setup_hosts", or write "use": "require"' }]
}

/**
 * Returns a finding for each `kind` in the spec that is `custom` without the keys that this kind needs. If several levels set the kind of a
 * worker, the level nearest to the worker gets the finding.
 */
function customFindings(spec: WrittenSpec, fleet: Fleet): PathFinding[] {
  const found = fleet.machines.flatMap((machine) =>
    machine.windows.flatMap((window, index) =>
      window.workers.flatMap(({ name, agent }) => {
        const missing = [...(agent.command.length === 0 ? ['command'] : []), ...(agent.custom === undefined ? ['patterns'] : [])]
        if (agent.kind !== 'custom' || missing.length === 0) return []
        const written = machinesIn(spec)[machine.name]
        const at: SpecPath = ['machines', machine.name]
        const places: (readonly [SpecPath, WrittenAgent | undefined])[] = [
          [[...at, 'windows', index, 'workers', name], written?.windows[index]?.workers?.[name]?.agent],
          [[...at, 'windows', index], written?.windows[index]?.agent],
          [at, written?.agent],
          [[], spec.agent],
        ]
        const place = places.find(([, one]) => one?.kind === 'custom')?.[0] ?? []
        return [{ path: [...place, 'agent', 'kind'], missing: missing.map((key) => `"${key}"`).join(' and ') }]
      }),
    ),
  )
  return [...new Map(found.map((one) => [JSON.stringify(one), one])).values()].map(({ path, missing }) => {
    return {
      path,
      what: `an agent of kind "custom" needs ${missing}`,
      hint: 'write the command that starts the agent, and the patterns of its screen: "patterns": {"composer": "^> (.*)$"}',
    }
  })
}

/** Returns the names of repos in the form of the spec: without the owner, if the owner is the one in the spec. */
function shortNames(repos: readonly string[], spec: WrittenSpec): string[] {
  return repos.map((repo) => (repo.startsWith(`${spec.forge.owner ?? 'local'}/`) ? repo.slice(repo.indexOf('/') + 1) : repo))
}

function unservedFindings(spec: WrittenSpec, fleet: Fleet): PathFinding[] {
  const served = new Set(reposOf(fleet))
  return Object.keys(spec.repos ?? {}).flatMap((written, index) => {
    if (served.has(fleet.repos[index]?.repo ?? written)) return []
    const hint = didYouMean(written, shortNames([...served], spec)) ?? `add the repo to "repos" of a window, or delete this key`
    return [{ path: ['repos', written], of: 'key' as const, what: `no window serves ${written}`, hint }]
  })
}

/**
 * Returns a finding for each machine that has the same tmux server as an earlier machine, because each machine would treat the panes of the
 * other machine as its own.
 */
function sameServerFindings({ machines }: Fleet): PathFinding[] {
  const server = ({ transport, socket }: Machine) => JSON.stringify([transport, socket])
  return machines.flatMap((machine, index) => {
    const other = machines.slice(0, index).find((earlier) => server(earlier) === server(machine))
    if (other === undefined) return []
    const what = `the machine ${machine.name} has the same transport and the same socket as ${other.name}`
    return [
      {
        path: ['machines', machine.name],
        of: 'key' as const,
        what,
        hint: 'move the windows of both machines into one machine, or write another "socket"',
      },
    ]
  })
}

function machineFindings(machine: Machine, written: WrittenMachine): PathFinding[] {
  const at: SpecPath = ['machines', machine.name]
  const findings: PathFinding[] = []
  if (machine.name === sprintWorkers)
    findings.push({
      path: at,
      of: 'key',
      what: `"${sprintWorkers}" is reserved for the workers of sprints`,
      hint: 'give the machine another name',
    })
  const add = (key: string, what: string, hint: string) => findings.push({ path: [...at, key], of: 'key', what, hint })
  if (written.host !== undefined && written.exec !== undefined)
    add('exec', 'the machine has both "host" and "exec"', 'keep only the key that burn must use to reach the machine')
  if (written.ssh !== undefined && written.host === undefined)
    add('ssh', 'the machine has "ssh" without "host"', 'write the host, or delete "ssh"')
  const repeated = indicesOfRepeats(machine.windows.map(({ name }) => name)).map((index): PathFinding => {
    const what = `the machine ${machine.name} has another window with the name ${machine.windows[index]?.name}`
    return { path: [...at, 'windows', index, 'name'], what, hint: 'give each window of a machine its own name' }
  })
  const windows = written.windows.flatMap((window, index) => windowFindings([...at, 'windows', index], window, machine.windows[index]!))
  return [...findings, ...repeated, ...windows]
}

/**
 * Returns the indices of names that already occur earlier in the list. Case does not matter, because some file systems do not distinguish
 * `Sol` from `SOL`.
 */
function indicesOfRepeats(names: readonly string[]): number[] {
  const lower = names.map((name) => name.toLowerCase())
  return lower.flatMap((name, index) => (lower.indexOf(name) < index ? [index] : []))
}

function windowFindings(at: SpecPath, written: WrittenWindow, window: Window): PathFinding[] {
  const names = written.names ?? []
  const panes = written.panes ?? Math.max(1, names.length)
  const many = (['names', 'glyphs', 'sublanes'] as const).flatMap((key): PathFinding[] => {
    const count = written[key]?.length ?? 0
    if (count <= panes) return []
    return [
      {
        path: [...at, key],
        of: 'key',
        what: `${count} ${key} for ${counted(panes, 'pane')}`,
        hint: `write "panes": ${count}, or fewer ${key}`,
      },
    ]
  })
  const twice = indicesOfRepeats(names).map((index): PathFinding => {
    return {
      path: [...at, 'names', index],
      what: `the window has two workers with the name ${names[index]}`,
      hint: 'give each worker of a window its own name',
    }
  })
  return [...many, ...twice, ...overrideFindings(at, written, window), ...idleFindings(at, written, window)]
}

function overrideFindings(at: SpecPath, written: WrittenWindow, window: Window): PathFinding[] {
  return Object.entries(written.workers ?? {}).flatMap(([name, own]): PathFinding[] => {
    const path = [...at, 'workers', name]
    const worker = window.workers.find((one) => one.name === name)
    if (worker === undefined) {
      const hint =
        didYouMean(
          name,
          window.workers.map((one) => one.name),
        ) ?? 'add the name to "names", too'
      return [{ path, of: 'key', what: `the window ${window.name} has no worker ${name}`, hint }]
    }
    if (own.repo === undefined || worker.role !== 'worker' || worker.repos.includes(worker.home ?? '')) return []
    const served = worker.repos.map((repo) => repo.slice(repo.indexOf('/') + 1))
    const hint =
      didYouMean(own.repo, served) ??
      `add the repo to "repos" of the window${served.length === 0 ? '' : `, or write one of ${served.join(', ')}`}`
    return [{ path: [...path, 'repo'], what: `the window ${window.name} does not serve ${own.repo}, the home repo of ${name}`, hint }]
  })
}

/**
 * Returns the findings about workers that could never get an issue: one for the window, and one for each worker with its own role or repos.
 */
function idleFindings(at: SpecPath, written: WrittenWindow, window: Window): PathFinding[] {
  const idle = window.workers.filter((worker: Worker) => worker.role === 'worker' && worker.repos.length === 0)
  const apart = idle.filter(({ name }) => written.workers?.[name]?.role !== undefined || written.workers?.[name]?.repos !== undefined)
  const hint = 'set "repos" of the worker, or "role": "council" if it only answers questions'
  const single = apart.map(({ name }): PathFinding => ({
    path: [...at, 'workers', name],
    of: 'key',
    what: `the worker ${name} serves no repo`,
    hint,
  }))
  return apart.length === idle.length
    ? single
    : [...single, { path: at, what: `the window ${window.name} has workers, but serves no repo`, hint }]
}

function didYouMean(word: string, candidates: readonly string[]): string | null {
  const near = nearest(word, candidates)
  return near === null ? null : `did you mean "${near}"?`
}
