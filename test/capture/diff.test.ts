/** The difference of two snapshots: panes, states and rows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { PaneRecord, SnapshotHead } from '../../src/capture/snapshot.ts'
import type { StoredSnapshot } from '../../src/capture/stored.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import { changedRows, diffSnapshots } from '../../src/capture/diff.ts'

/** Returns a snapshot of the machine `mac` with these workers. `reached`: whether burn could read the machine. */
function stored(workers: Readonly<Record<string, ReadingState>>, reached = true): StoredSnapshot {
  const machine = { name: 'mac', state: reached ? ('up' as const) : ('unreachable' as const) }
  // The casts are safe: `diffSnapshots` reads only these fields.
  const head = { at: '2026-11-27T00:00:00.000Z', machines: [machine] } as unknown as SnapshotHead
  const panes = Object.entries(workers).map(([worker, state]) => {
    const record = { machine: 'mac', pane: '%1', worker, reading: { state, detail: null, evidence: '' } } as unknown as PaneRecord
    return { record, screen: [worker] }
  })
  return { dir: '/s', head, panes }
}

test('diff: names new, removed and changed panes', () => {
  const { panes, same } = diffSnapshots(stored({ A: 'idle', B: 'idle', C: 'idle' }), stored({ B: 'working', C: 'idle', D: 'idle' }))
  assert.deepEqual(
    panes.map(({ pane, change, state }) => [pane, change, state?.before ?? null, state?.after ?? null]),
    [
      ['B', 'changed', 'idle', 'working'],
      ['D', 'added', null, 'idle'],
      ['A', 'removed', 'idle', null],
    ],
  )
  assert.equal(same, 1)
})

test('diff: an unreachable machine is unknown, not empty', () => {
  assert.deepEqual(
    diffSnapshots(stored({ A: 'idle' }), stored({}, false)).panes.map(({ change }) => change),
    ['unknown'],
  )
  assert.deepEqual(
    diffSnapshots(stored({}, false), stored({ A: 'idle' })).panes.map(({ change }) => change),
    ['unknown'],
  )
})

test('diff: a scrolled screen shows only new and lost rows', () => {
  assert.deepEqual(changedRows(['a', 'b', 'c'], ['b', 'c', 'd']), { removed: [{ row: 1, text: 'a' }], added: [{ row: 3, text: 'd' }] })
})

test('diff: the changed rows turn one screen into the other', () => {
  const screen = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
  fc.assert(
    fc.property(screen, screen, (before, after) => {
      const { removed, added } = changedRows(before, after)
      const gone = new Set(removed.map(({ row }) => row))
      const rows: string[] = before.filter((_, index) => !gone.has(index + 1))
      for (const { row, text } of added) rows.splice(row - 1, 0, text)
      assert.deepEqual(rows, after)
    }),
  )
})
