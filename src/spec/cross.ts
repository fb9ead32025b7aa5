/** Checks across a spec that its schema can't make: what must agree between one place and another. */
import type { Fleet, Machine, Window, Worker } from '../core/nouns.ts'
import type { PathFinding, SpecPath } from './findings.ts'
import type { WrittenAgent, WrittenMachine, WrittenSpec, WrittenWindow } from './schema.ts'
import { machinesIn } from './worker.ts'
import { servedRepos } from '../core/refs.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { nearest } from '../core/suggest.ts'
import { whyNoPattern } from './pattern.ts'

/** Everything that does not agree, in a spec and the Fleet that was made of it. */
export function crossFindings(spec: WrittenSpec, fleet: Fleet): PathFinding[] {
  return [
    ...forgeComplaints(spec),
    ...titleComplaints(spec),
    ...customComplaints(spec, fleet),
    ...unservedComplaints(spec, fleet),
    ...sameServer(fleet),
    ...fleet.machines.flatMap((machine) => machineComplaints(machine, machinesIn(spec)[machine.name]!)),
  ]
}

function forgeComplaints({ forge }: WrittenSpec): PathFinding[] {
  if (!('url' in forge)) return []
  const complain = (what: string, hint: string) => [{ path: ['forge', 'url'], what, hint }]
  if (!URL.canParse(forge.url)) return complain('forge.url is no URL', 'write it whole, e.g. "https://forge.example.com"')
  const url = new URL(forge.url)
  // What stands in the URL is not repeated here: it may be a password.
  if (url.username !== '' || url.password !== '')
    return complain('forge.url holds credentials', 'take them out, and write "token": {"file": "…"}')
  if (!/^https?:$/.test(url.protocol)) return complain(`a forge is not reached by ${url.protocol}`, 'write https://…')
  return url.search + url.hash === '' ? [] : complain('forge.url has a query or a fragment', 'write only where the forge is')
}

function titleComplaints({ dispatch, sprint }: WrittenSpec): PathFinding[] {
  const hint = 'in JSON a backslash is written twice: "^\\\\[meta\\\\]"'
  return Object.entries({ dispatch, sprint }).flatMap(([key, part]) =>
    (part?.skip_titles ?? []).flatMap((pattern, index) => {
      const why = whyNoPattern(pattern, 'iu')
      return why === null ? [] : [{ path: [key, 'skip_titles', index], what: `this is no regular expression: ${why}`, hint }]
    }),
  )
}

/** What an agent of kind `custom` lacks, said once where its kind is written nearest to the worker. */
function customComplaints(spec: WrittenSpec, fleet: Fleet): PathFinding[] {
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
      what: `an agent of kind custom needs ${missing}`,
      hint: 'write what starts it, and how its screen is read: "patterns": {"composer": "^> (.*)$"}',
    }
  })
}

/** A repo is written as its name alone where it is the owner's. */
function shortNames(repos: readonly string[], spec: WrittenSpec): string[] {
  return repos.map((repo) => (repo.startsWith(`${spec.forge.owner ?? 'local'}/`) ? repo.slice(repo.indexOf('/') + 1) : repo))
}

function unservedComplaints(spec: WrittenSpec, fleet: Fleet): PathFinding[] {
  const served = new Set([...servedRepos(fleet.machines), ...(fleet.sprint?.repos ?? [])])
  return Object.keys(spec.repos ?? {}).flatMap((written, index) => {
    if (served.has(fleet.repos[index]?.repo ?? written)) return []
    const hint = didYouMean(written, shortNames([...served], spec)) ?? `add it to "repos" of a window, or leave it out here`
    return [{ path: ['repos', written], of: 'key' as const, what: `no window serves ${written}`, hint }]
  })
}

/** Two machines that are one tmux server would take each other's panes for theirs. */
function sameServer({ machines }: Fleet): PathFinding[] {
  const server = ({ transport, socket }: Machine) => JSON.stringify([transport, socket])
  return machines.flatMap((machine, index) => {
    const other = machines.slice(0, index).find((earlier) => server(earlier) === server(machine))
    if (other === undefined) return []
    const what = `${machine.name} is reached like ${other.name}, and has the same socket`
    return [{ path: ['machines', machine.name], of: 'key' as const, what, hint: 'put their windows into one machine, or write "socket"' }]
  })
}

function machineComplaints(machine: Machine, written: WrittenMachine): PathFinding[] {
  const at: SpecPath = ['machines', machine.name]
  const complaints: PathFinding[] = []
  if (machine.name === sprintWorkers)
    complaints.push({ path: at, of: 'key', what: `"${sprintWorkers}" is the name of what runs sprints`, hint: 'give the machine another' })
  const complain = (key: string, what: string, hint: string) => complaints.push({ path: [...at, key], of: 'key', what, hint })
  if (written.host !== undefined && written.exec !== undefined)
    complain('exec', '"host" and "exec" are both written', 'keep the one that leads to the machine')
  if (written.ssh !== undefined && written.host === undefined) complain('ssh', '"ssh" without "host"', 'write the host, or leave "ssh" out')
  const repeated = repeats(machine.windows.map(({ name }) => name)).map((index): PathFinding => {
    const what = `${machine.windows[index]?.name} is the name of another window of ${machine.name}`
    return { path: [...at, 'windows', index, 'name'], what, hint: 'give each window of a machine a name of its own' }
  })
  const windows = written.windows.flatMap((window, index) => windowComplaints([...at, 'windows', index], window, machine.windows[index]!))
  return [...complaints, ...repeated, ...windows]
}

/** Which of these stood there before. Case makes no difference: not every disk tells `Sol` from `SOL`. */
function repeats(names: readonly string[]): number[] {
  const lower = names.map((name) => name.toLowerCase())
  return lower.flatMap((name, index) => (lower.indexOf(name) < index ? [index] : []))
}

function windowComplaints(at: SpecPath, written: WrittenWindow, window: Window): PathFinding[] {
  const names = written.names ?? []
  const panes = written.panes ?? Math.max(1, names.length)
  const many = (['names', 'glyphs', 'sublanes'] as const).flatMap((key): PathFinding[] => {
    const count = written[key]?.length ?? 0
    if (count <= panes) return []
    return [{ path: [...at, key], of: 'key', what: `${count} ${key} for ${panes} panes`, hint: `write "panes": ${count}, or fewer ${key}` }]
  })
  const twice = repeats(names).map((index): PathFinding => {
    return {
      path: [...at, 'names', index],
      what: `the worker ${names[index]} is there twice`,
      hint: 'give each worker of a window a name of its own',
    }
  })
  return [...many, ...twice, ...overrideComplaints(at, written, window), ...idleComplaints(at, written, window)]
}

function overrideComplaints(at: SpecPath, written: WrittenWindow, window: Window): PathFinding[] {
  return Object.entries(written.workers ?? {}).flatMap(([name, own]): PathFinding[] => {
    const path = [...at, 'workers', name]
    const worker = window.workers.find((one) => one.name === name)
    if (worker === undefined) {
      const hint =
        didYouMean(
          name,
          window.workers.map((one) => one.name),
        ) ?? 'write the name into "names" too'
      return [{ path, of: 'key', what: `${window.name} has no worker ${name}`, hint }]
    }
    if (own.repo === undefined || worker.role !== 'worker' || worker.repos.includes(worker.home ?? '')) return []
    const served = worker.repos.map((repo) => repo.slice(repo.indexOf('/') + 1))
    const hint =
      didYouMean(own.repo, served) ??
      `add it to "repos" of the window${served.length === 0 ? '' : `, or write one of ${served.join(', ')}`}`
    return [{ path: [...path, 'repo'], what: `${window.name} does not serve ${own.repo}, the home of ${name}`, hint }]
  })
}

/** Workers that nothing could ever be given to: said once for the window, or for the one that was written apart. */
function idleComplaints(at: SpecPath, written: WrittenWindow, window: Window): PathFinding[] {
  const idle = window.workers.filter((worker: Worker) => worker.role === 'worker' && worker.repos.length === 0)
  const apart = idle.filter(({ name }) => written.workers?.[name]?.role !== undefined || written.workers?.[name]?.repos !== undefined)
  const hint = 'write its "repos", or "role": "council" where it is to advise'
  const single = apart.map(({ name }): PathFinding => ({
    path: [...at, 'workers', name],
    of: 'key',
    what: `the worker ${name} serves no repo`,
    hint,
  }))
  return apart.length === idle.length ? single : [...single, { path: at, what: `${window.name} has workers and serves no repo`, hint }]
}

function didYouMean(word: string, candidates: readonly string[]): string | null {
  const near = nearest(word, candidates)
  return near === null ? null : `did you mean "${near}"?`
}
