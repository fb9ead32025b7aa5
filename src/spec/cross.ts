/** Checks across a spec that its schema can't make: what must agree between one place and another. */
import type { Complaint, SpecPath } from './findings.ts'
import type { WrittenMachine, WrittenSpec, WrittenWindow } from './schema.ts'
import { messageOf } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'

/** Everything that does not agree. */
export function crossComplaints(spec: WrittenSpec): Complaint[] {
  const served = new Set<string>()
  const windows = Object.entries(spec.machines).flatMap(([machine, written]) => machineComplaints(machine, written, spec, served))
  return [...forgeComplaints(spec), ...titleComplaints(spec), ...windows, ...unservedComplaints(spec, served)]
}

const full = (repo: string, spec: WrittenSpec) => (repo.includes('/') ? repo : `${spec.forge.owner ?? 'local'}/${repo}`)

function machineComplaints(machine: string, written: WrittenMachine, spec: WrittenSpec, served: Set<string>): Complaint[] {
  const at: SpecPath = ['machines', machine]
  const both = written.host !== undefined && written.exec !== undefined
  const ways = both ? [{ path: [...at, 'exec'], of: 'key' as const, what: '"host" and "exec" are both written', hint: 'keep the one that leads to the machine' }] : []
  const ssh = written.ssh !== undefined && written.host === undefined ? [{ path: [...at, 'ssh'], of: 'key' as const, what: '"ssh" without "host"', hint: 'write the host, or leave "ssh" out' }] : []
  const seen = new Set<string>()
  const windows = written.windows.flatMap((window, index) => {
    const path = [...at, 'windows', index]
    const again = seen.has(window.name) ? [{ path: [...path, 'name'], what: `"${window.name}" is the name of another window of this machine`, hint: 'give each window a name of its own' }] : []
    seen.add(window.name)
    return [...again, ...windowComplaints(path, window, written, spec, served)]
  })
  return [...ways, ...ssh, ...windows]
}

function windowComplaints(path: SpecPath, window: WrittenWindow, machine: WrittenMachine, spec: WrittenSpec, served: Set<string>): Complaint[] {
  const names = window.names ?? []
  const panes = window.panes ?? Math.max(1, names.length)
  const own = window.repos ?? machine.repos ?? []
  const role = window.role ?? machine.role ?? 'worker'
  const complaints: Complaint[] = []
  if (names.length > panes) {
    complaints.push({ path: [...path, 'names'], of: 'key', what: `${names.length} names for ${panes} panes`, hint: `write "panes": ${names.length}, or fewer names` })
  }
  names.forEach((name, index) => {
    if (names.indexOf(name) < index) complaints.push({ path: [...path, 'names', index], what: `the worker ${name} is there twice`, hint: 'give each worker of a window a name of its own' })
  })
  const overrides = window.workers ?? {}
  // A worker whose name is drawn may be overridden too: its name is known once it was drawn, and is best written into "names" then.
  const exceptions = Object.entries(overrides).filter(([name]) => names.includes(name))
  for (const name of Object.keys(overrides)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    complaints.push({ path: [...path, 'workers', name], of: 'key', what: `there is no worker ${name} in "names" of this window`, hint: near === null ? 'write the name into "names" too' : `did you mean "${near}"` })
  }
  const overridden = exceptions.filter(([, worker]) => (worker.role ?? role) === 'worker' && (worker.repos ?? own).length > 0)
  const plain = role === 'worker' && exceptions.length < panes
  if (plain) for (const repo of own) served.add(full(repo, spec))
  for (const [, worker] of overridden) for (const repo of worker.repos ?? own) served.add(full(repo, spec))
  if (plain && own.length === 0) complaints.push({ path, what: `the window ${window.name} has workers and serves no repo`, hint: 'write "repos", or "role": "council"' })
  for (const [name, worker] of exceptions) {
    const serves = worker.repos ?? own
    if (worker.role === 'worker' && serves.length === 0) complaints.push({ path: [...path, 'workers', name], of: 'key', what: `the worker ${name} serves no repo`, hint: 'write its "repos"' })
    if (worker.repo === undefined || serves.some((repo) => full(repo, spec) === full(worker.repo ?? '', spec))) continue
    const near = nearest(worker.repo, serves)
    complaints.push({ path: [...path, 'workers', name, 'repo'], what: `the window does not serve ${worker.repo}, the home of ${name}`, hint: near === null ? `add it to "repos", or choose among ${serves.join(', ')}` : `did you mean "${near}"` })
  }
  return complaints
}

function unservedComplaints(spec: WrittenSpec, served: ReadonlySet<string>): Complaint[] {
  return Object.keys(spec.repos ?? {}).flatMap((repo) => {
    if (served.has(full(repo, spec))) return []
    const near = nearest(full(repo, spec), served)
    return [{ path: ['repos', repo], of: 'key' as const, what: `no window serves ${repo}`, hint: near === null ? 'add it to "repos" of a window, or leave it out here' : `did you mean "${near}"` }]
  })
}

function forgeComplaints({ forge }: WrittenSpec): Complaint[] {
  if (forge.kind !== 'gitea') return []
  const path = ['forge', 'url']
  if (!URL.canParse(forge.url)) return [{ path, what: 'this is no URL', hint: 'write it whole, e.g. "https://forge.example.com"' }]
  const url = new URL(forge.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return [{ path, what: `a forge is not reached by ${url.protocol}`, hint: 'write https://…' }]
  if (url.username !== '' || url.password !== '') return [{ path, what: 'the URL holds credentials', hint: 'take them out, and write "token": { "file": "…" }' }]
  return url.search === '' && url.hash === '' ? [] : [{ path, what: 'the URL has a query or a fragment', hint: 'write only where the forge is' }]
}

function titleComplaints({ dispatch }: WrittenSpec): Complaint[] {
  return (dispatch?.skip_titles ?? []).flatMap((pattern, index) => {
    const why = whyNoPattern(pattern)
    const hint = 'in JSON a backslash is written twice: "^\\\\[meta\\\\]"'
    return why === null ? [] : [{ path: ['dispatch', 'skip_titles', index], what: `this is no regular expression: ${why}`, hint }]
  })
}

function whyNoPattern(pattern: string): string | null {
  try {
    RegExp(pattern, 'iu')
    return null
  } catch (thrown) {
    return messageOf(thrown).replace(/^Invalid regular expression: /, '')
  }
}
