/** The snapshot of a whole fleet: every pane with its rows, its facts, its place and the reading of its worker. */
import type { WorkerSnapshot } from '../core/fleet-state.ts'
import type { Machine, Reading, Time, WorkerId } from '../core/nouns.ts'
import type { CapturedPane, MachineCapture } from '../core/pane-host.ts'
import type { MachineSnapshot, Pane, PaneWindow } from '../core/panes.ts'
import type { KnownSecrets } from '../observe/session.ts'
import type { StyledRow } from './styled-rows.ts'
import { redactor, masker } from '../host/redact.ts'
import { maskRows } from './mask.ts'

/** The version of the format of a saved snapshot. */
export const formatVersion = 1

/** The names of the two files of a saved snapshot that describe it. */
export const headFile = 'snapshot.json'
export const panesFile = 'panes.jsonl'

/** The facts of a machine in a snapshot. */
export interface MachineRecord {
  readonly name: string
  readonly state: MachineSnapshot['state']
  /** Why burn could not read the machine; null if it could. */
  readonly reason: string | null
  /** The time of the snapshot by the machine's own clock; null if burn could not read the machine, or if it has no session. */
  readonly clock: string | null
  readonly server_started: number | null
  readonly windows: readonly PaneWindow[]
}

/** The facts of a pane that a snapshot stores as they are. */
const storedFacts = [
  'session_id',
  'window_id',
  'window_name',
  'width',
  'height',
  'cursor_x',
  'cursor_y',
  'pid',
  'agent_pid',
  'started',
  'command',
  'title',
  'label',
  'dead',
  'ended',
  'in_mode',
  'input',
  'retiring',
] as const satisfies readonly (keyof Pane)[]

/** One line of `panes.jsonl`. */
export interface PaneRecord extends Pick<Pane, (typeof storedFacts)[number]>, Omit<CapturedPane, 'rows'> {
  readonly machine: string
  /** The tmux pane id, such as `%5`. */
  readonly pane: string
  readonly worker: WorkerId | null
  /** The reading of the worker; null if the pane belongs to no worker of the spec. */
  readonly reading: Reading | null
  /** The number of rows of history in the text files, above the screen. */
  readonly history_rows: number
  /** The names of the files with the rows: without and with colours. */
  readonly text: string
  readonly ansi: string
}

/** The file `snapshot.json`: the facts of the fleet. */
export interface SnapshotHead {
  readonly version: number
  readonly fleet: string
  readonly at: string
  readonly machines: readonly MachineRecord[]
  /** The workers without a captured pane, with the reason in their reading. */
  readonly absent: readonly { readonly worker: WorkerId; readonly reading: Reading }[]
  /** The number of secrets of the spec that burn could not read, so that it could not redact them. */
  readonly unread_secrets: number
}

/** A pane of a snapshot with its rows: the history and the screen, oldest first. */
export interface PaneSnapshot {
  readonly record: PaneRecord
  readonly rows: readonly StyledRow[]
}

/** The snapshot of a fleet. It contains no secret that burn knows or recognises. */
export interface FleetSnapshot {
  readonly head: SnapshotHead
  readonly panes: readonly PaneSnapshot[]
}

/** A captured machine, with the parsed rows of its panes by pane id. */
export interface ParsedCapture {
  readonly machine: Machine
  readonly seen: MachineCapture
  readonly rows: ReadonlyMap<string, readonly StyledRow[]>
}

/** Returns the snapshot of a fleet, with all secrets masked. */
export function snapshotOf(
  { fleet, at }: { readonly fleet: string; readonly at: Time },
  captures: readonly ParsedCapture[],
  workers: readonly WorkerSnapshot[],
  secrets: KnownSecrets,
): FleetSnapshot {
  const mask = masker(secrets.known)
  const redact = redactor(secrets.known)
  const readings = new Map(workers.map(({ worker, reading }) => [worker.id, reading]))
  const panes = captures.flatMap((capture) => panesOf(capture, readings))
  const shown = new Set(panes.map(({ record }) => record.worker))
  const head: SnapshotHead = {
    version: formatVersion,
    fleet,
    at: new Date(at).toISOString(),
    machines: captures.map(({ seen: { snapshot } }) => machineRecord(snapshot)),
    absent: workers.flatMap(({ worker, reading }) => (shown.has(worker.id) ? [] : [{ worker: worker.id, reading }])),
    unread_secrets: secrets.unread,
  }
  return {
    head: redactStrings(head, redact),
    panes: panes.map(({ record, rows }) => ({
      record: redactStrings(record, redact),
      rows: maskRows(rows, record.width, mask),
    })),
  }
}

function machineRecord(snapshot: MachineSnapshot): MachineRecord {
  const { machine: name, state } = snapshot
  if (state !== 'up') {
    return { name, state, reason: state === 'down' ? null : snapshot.reason, clock: null, server_started: null, windows: [] }
  }
  const { clock, server_started, windows } = snapshot
  return { name, state, reason: null, clock: new Date(clock).toISOString(), server_started, windows }
}

function panesOf({ seen: { snapshot, panes }, rows }: ParsedCapture, readings: ReadonlyMap<WorkerId, Reading>): PaneSnapshot[] {
  if (snapshot.state !== 'up') return []
  return snapshot.panes.flatMap((pane) => {
    const captured = panes.get(pane.id)
    const parsed = rows.get(pane.id)
    if (captured === undefined || parsed === undefined) return []
    const { rows: _, ...place } = captured
    const file = `${snapshot.machine}.${pane.id.replace('%', '')}`
    const record: PaneRecord = {
      machine: snapshot.machine,
      pane: pane.id,
      worker: pane.worker,
      reading: pane.worker === null ? null : (readings.get(pane.worker) ?? null),
      ...place,
      ...factsOf(pane),
      history_rows: Math.max(0, parsed.length - pane.height),
      text: `${file}.txt`,
      ansi: `${file}.ansi`,
    }
    return [{ record, rows: parsed }]
  })
}

function factsOf(pane: Pane): Pick<Pane, (typeof storedFacts)[number]> {
  // The cast is safe: the keys are exactly `storedFacts`.
  return Object.fromEntries(storedFacts.map((key) => [key, pane[key]])) as Pick<Pane, (typeof storedFacts)[number]>
}

/** Returns a copy of a value of JSON in which each string is redacted. */
function redactStrings<T>(value: T, redact: (text: string) => string): T {
  // The cast is safe: `redact` changes no type, and the value consists of JSON.
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => (typeof each === 'string' ? redact(each) : each)) as T
}
