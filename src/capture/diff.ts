/** Compares two saved snapshots. */
import type { Reading } from '../core/nouns.ts'
import type { StoredPane, StoredSnapshot } from './stored.ts'

/** A row that only one of two screens has. `row` counts from 1. */
export interface ChangedRow {
  readonly row: number
  readonly text: string
}

/**
 * The difference of a pane. `unknown`: one of the snapshots could not read the machine of the pane, so the pane may or may not have existed
 * then.
 */
export interface PaneDiff {
  /** The worker of the pane, else the machine and the id of the pane. */
  readonly pane: string
  readonly change: 'added' | 'removed' | 'changed' | 'unknown'
  /** The states of the worker before and after; null if they are the same, or if the pane has no worker. */
  readonly state: { readonly before: Reading['state'] | null; readonly after: Reading['state'] | null } | null
  readonly removed: readonly ChangedRow[]
  readonly added: readonly ChangedRow[]
}

/** The difference of two snapshots. */
export interface SnapshotDiff {
  readonly before: { readonly dir: string; readonly at: string }
  readonly after: { readonly dir: string; readonly at: string }
  /** The panes that differ, in the order of the later snapshot. */
  readonly panes: readonly PaneDiff[]
  /** The number of panes with the same state and the same screen. */
  readonly same: number
}

/** Returns the difference of two snapshots. It compares states and screens, but not the history above the screens. */
export function diffSnapshots(before: StoredSnapshot, after: StoredSnapshot): SnapshotDiff {
  const [old, current] = [byKey(before), byKey(after)]
  const keys = [...current.keys(), ...[...old.keys()].filter((key) => !current.has(key))]
  const panes = keys.flatMap((key): PaneDiff[] => {
    const [was, is] = [old.get(key), current.get(key)]
    const state = stateChange(was, is)
    const rows = was === undefined || is === undefined ? { removed: [], added: [] } : changedRows(was.screen, is.screen)
    if (was !== undefined && is !== undefined) {
      const changed = state !== null || rows.removed.length + rows.added.length > 0
      return changed ? [{ pane: key, change: 'changed', state, ...rows }] : []
    }
    const machine = (was ?? is)?.record.machine ?? ''
    const known = wasRead(machine, was === undefined ? before : after)
    return [{ pane: key, change: !known ? 'unknown' : was === undefined ? 'added' : 'removed', state, ...rows }]
  })
  const of = ({ dir, head }: StoredSnapshot) => ({ dir, at: head.at })
  return { before: of(before), after: of(after), panes, same: keys.length - panes.length }
}

function byKey({ panes }: StoredSnapshot): Map<string, StoredPane> {
  return new Map(panes.map((pane) => [pane.record.worker ?? `${pane.record.machine} ${pane.record.pane}`, pane]))
}

function stateChange(was: StoredPane | undefined, is: StoredPane | undefined): PaneDiff['state'] {
  const [before, after] = [was?.record.reading?.state ?? null, is?.record.reading?.state ?? null]
  return before === after ? null : { before, after }
}

function wasRead(machine: string, { head }: StoredSnapshot): boolean {
  return head.machines.some(({ name, state }) => name === machine && state !== 'unreachable')
}

/** The maximum number of rows that burn aligns. The effort grows with the square of this number. */
const maxRows = 500

/** Returns the rows that are not part of the longest common subsequence of two screens. */
export function changedRows(
  before: readonly string[],
  after: readonly string[],
): { readonly removed: ChangedRow[]; readonly added: ChangedRow[] } {
  const [a, b] = [before.slice(0, maxRows), after.slice(0, maxRows)]
  /** `common[i][j]`: the length of the longest common subsequence of `a` from i and `b` from j. */
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  const at = (i: number, j: number) => common[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) common[i]![j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const removed: ChangedRow[] = []
  const added: ChangedRow[] = []
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    if (i < a.length && a[i] === b[j]) [i, j] = [i + 1, j + 1]
    else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) removed.push({ row: ++i, text: a[i - 1] ?? '' })
    else added.push({ row: ++j, text: b[j - 1] ?? '' })
  }
  return { removed, added }
}
