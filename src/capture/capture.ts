/** Captures all panes of a fleet, and saves the snapshot in a folder. */
import { join } from 'node:path'
import type { Machine } from '../core/nouns.ts'
import type { MachineCapture } from '../core/pane-host.ts'
import type { Session } from '../observe/session.ts'
import type { FleetSnapshot, ParsedCapture } from './snapshot.ts'
import { writePrivateFolder } from '../host/private-files.ts'
import { withStrays } from '../observe/agents.ts'
import { readWorkers } from '../observe/readings.ts'
import { assertUntracked } from '../observe/untracked.ts'
import { snapshotPage } from './page.ts'
import { headFile, panesFile, snapshotOf } from './snapshot.ts'
import { ansiOf, parseRows, rowText } from './styled-rows.ts'

/** The maximum number of rows of history of each pane. With more, the reply of a machine could exceed the limit of the channel. */
export const maxHistory = 1_000

const pageFile = 'index.html'

/** How burn saves a snapshot. */
export interface SaveOptions {
  /** The absolute path of the folder that burn creates. */
  readonly dir: string
  /** The number of rows of history above each screen, at most `maxHistory`. */
  readonly history: number
  /** True if burn also writes the snapshot as one HTML page. */
  readonly page: boolean
}

/** The result of saving a snapshot. */
export interface SavedSnapshot {
  readonly dir: string
  readonly at: string
  readonly panes: number
  readonly machines: readonly { readonly name: string; readonly state: string; readonly reason: string | null }[]
  readonly unread_secrets: number
  /** The path of the HTML page; null if there is none. */
  readonly page: string | null
}

/** Captures all panes of the machines at one moment. It takes one round trip for each machine. */
export async function captureFleet(machines: readonly Machine[], session: Session, history: number): Promise<FleetSnapshot> {
  const { fleet, clock, kindOf } = session
  const secrets = session.secrets()
  const hosts = await session.machines.open(machines)
  const at = clock.now()
  const captures = (await Promise.all(hosts.map((host) => host.capture(history)))).map((seen, index): ParsedCapture => {
    const rows = new Map([...seen.panes].map(([id, pane]) => [id, parseRows(pane.rows)]))
    return { machine: hosts[index]!.machine, seen, rows }
  })
  const screens = await Promise.all(
    captures.map(async ({ machine, seen, rows }) => {
      return [machine.name, await withStrays(machine, { snapshot: seen.snapshot, screens: screensOf(seen, rows) }, session)] as const
    }),
  )
  return snapshotOf({ fleet: fleet.name, at }, captures, readWorkers(machines, new Map(screens), kindOf), await secrets)
}

/** Returns the visible rows of each pane as plain text, without spaces at their ends, as agents' screens are parsed. */
function screensOf({ snapshot }: MachineCapture, rows: ParsedCapture['rows']): ReadonlyMap<string, readonly string[]> {
  const panes = snapshot.state === 'up' ? snapshot.panes : []
  return new Map(panes.map(({ id, height }) => [id, (rows.get(id) ?? []).slice(-height).map((row) => rowText(row).trimEnd())]))
}

/**
 * Captures all panes, and saves the snapshot in a new folder that only its owner can read. Throws BurnError `folder_tracked`,
 * `folder_exists` or `folder_unwritable`.
 */
export async function saveSnapshot(
  machines: readonly Machine[],
  session: Session,
  { dir, history, page }: SaveOptions,
): Promise<SavedSnapshot> {
  await assertUntracked(join(dir, headFile), dir, session)
  const snapshot = await captureFleet(machines, session, history)
  await writePrivateFolder(dir, filesOf(snapshot, page))
  const { at, machines: records, unread_secrets } = snapshot.head
  return {
    dir,
    at,
    panes: snapshot.panes.length,
    machines: records.map(({ name, state, reason }) => ({ name, state, reason })),
    unread_secrets,
    page: page ? join(dir, pageFile) : null,
  }
}

function filesOf(snapshot: FleetSnapshot, page: boolean): Map<string, string> {
  const { head, panes } = snapshot
  const lines = (rows: readonly string[]) => rows.map((row) => `${row}\n`).join('')
  return new Map([
    [headFile, `${JSON.stringify(head, null, 2)}\n`],
    [panesFile, lines(panes.map(({ record }) => JSON.stringify(record)))],
    ...panes.flatMap(({ record, rows }): [string, string][] => [
      [record.text, lines(rows.map(rowText))],
      [record.ansi, lines(rows.map(ansiOf))],
    ]),
    ...(page ? [[pageFile, snapshotPage(snapshot)] as const] : []),
  ])
}
