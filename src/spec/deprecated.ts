/** Deprecated keys and values of the spec: this release accepts them, and the next one refuses them. */
import type { PathFinding, Positions, SpecPath } from './findings.ts'
import type { WrittenAgent, WrittenSpec } from './schema.ts'

/** The renamed keys, by the part of the spec that has them. Each entry is the old name and the current name. */
const renamed = {
  agent: { settle: 'submit_delay' },
  dispatch: { ended_after: 'idle_timeout' },
  sprint: { mends: 'check_retries' },
} as const

/** A part of the spec, with the old and current names of its renamed keys. */
interface Part {
  readonly path: SpecPath
  readonly value: object
  readonly names: Readonly<Record<string, string>>
}

/** A key that the spec has under its old name. */
interface Alias {
  readonly part: Part
  readonly old: string
  readonly current: string
}

function partsOf({ agent, dispatch = {}, sprint, machines = {} }: WrittenSpec): Part[] {
  const agentOf = (path: SpecPath, value: WrittenAgent = {}): Part => ({ path: [...path, 'agent'], value, names: renamed.agent })
  const ofMachines = Object.entries(machines).flatMap(([name, machine]) => {
    const ofWindows = machine.windows.flatMap((window, index) => {
      const path = ['machines', name, 'windows', index]
      const ofWorkers = Object.entries(window.workers ?? {}).map(([key, worker]) => agentOf([...path, 'workers', key], worker.agent))
      return [agentOf(path, window.agent), ...ofWorkers]
    })
    return [agentOf(['machines', name], machine.agent), ...ofWindows]
  })
  return [
    agentOf([], agent),
    { path: ['dispatch'], value: dispatch, names: renamed.dispatch },
    { path: ['sprint'], value: sprint ?? {}, names: renamed.sprint },
    ...ofMachines,
  ]
}

function aliasesIn(spec: WrittenSpec): Alias[] {
  return partsOf(spec).flatMap((part) =>
    Object.entries(part.names)
      .filter(([old]) => old in part.value)
      .map(([old, current]) => ({ part, old, current })),
  )
}

/** Returns a copy of the spec in which every renamed key has its current name. */
export function withCurrentKeys(spec: WrittenSpec): WrittenSpec {
  const copy = structuredClone(spec)
  for (const { part, old, current } of aliasesIn(copy)) {
    Reflect.set(part.value, current, Reflect.get(part.value, old))
    Reflect.deleteProperty(part.value, old)
  }
  return copy
}

/** Returns a finding for each key that the spec has under both its old and its current name. */
export function aliasFindings(spec: WrittenSpec): PathFinding[] {
  return aliasesIn(spec)
    .filter(({ part, current }) => current in part.value)
    .map(({ part, old, current }) => ({
      path: [...part.path, old],
      of: 'key',
      what: `"${old}" is the old name of "${current}", but the spec has both keys`,
      hint: `keep "${current}" and delete "${old}"`,
    }))
}

/** Returns one message for each deprecated key or value in the spec. Each message begins with the file, line and column. */
export function deprecationsIn(spec: WrittenSpec, positions: Positions): string[] {
  const found = aliasesIn(spec).map(({ part, old, current }): PathFinding => {
    const what = `"${old}" is deprecated: its name is now "${current}"`
    return { path: [...part.path, old], of: 'key', what, hint: `write "${current}"; the next release refuses "${old}"` }
  })
  if (spec.sprint?.priority_labels !== undefined) {
    const what = '"priority_labels" of "sprint" is deprecated: the order of the queue is now the same for panes and sprints'
    found.push({ path: ['sprint', 'priority_labels'], of: 'key', what, hint: 'write "priority_labels" under "dispatch"' })
  }
  if (spec.sprint?.sandbox?.use === 'auto') {
    const what = '"use": "auto" is deprecated and means "require": commands no longer run unconfined if bubblewrap does not work'
    found.push({ path: ['sprint', 'sandbox', 'use'], what, hint: 'write "require", or "off" to run commands without bubblewrap' })
  }
  return found.map(({ path, of, what, hint }) => {
    const { line, column } = positions.at(path, of)
    return `${positions.file}:${line}:${column}: ${what}; ${hint}`
  })
}
