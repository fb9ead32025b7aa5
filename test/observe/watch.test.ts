/** Watches a fleet on a real tmux with stand-in agents. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { WatchUpdate } from '../../src/observe/watch.ts'
import { openSession } from '../../src/cli/wire.ts'
import { watch } from '../../src/observe/watch.ts'
import { clock } from '../support/clock.ts'
import { standIn, testFleet } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'

test('watch: reports turns, and a machine that is lost and returns', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 't',
    session: 'T',
    socket,
    dir: join(dir, 'w'),
    forge: { kind: 'folder', path: dir },
    ledger: `sqlite:${dir}/l.db`,
    agent: standIn(dir, '--turn-ms', '3000'),
    machines: { box: { windows: [{ name: 'A', names: ['ODIN', 'THOR'], panes: 2, repos: ['app'] }] } },
  }))
  assert.equal((await fleet.burn('up')).code, 0)
  assert.equal((await fleet.burn('christen')).code, 0)
  const home = join(fleet.dir, 'home')
  const wiring = { clock, env: {}, home, cwd: fleet.dir, notify: () => {} }
  const open = await openSession({ spec: join(fleet.dir, 'fleet-spec.json') }, wiring)
  t.after(() => open.close())
  const stop = AbortSignal.timeout(50_000)
  const updates = watch(open.session.fleet.machines, open.session, stop)
  t.after(() => updates.return())
  const seen: string[] = []
  const next = async (what: string, holds: (update: WatchUpdate) => boolean): Promise<WatchUpdate> => {
    for (;;) {
      const { value, done } = await updates.next()
      if (done === true) throw new Error(`missing update: ${what}; there were ${seen.join(', ')}`)
      for (const { worker, from, to } of value.changes) seen.push(`${worker} ${from} ${to}`)
      if (holds(value)) return value
    }
  }
  const reported = (change: string) => () => seen.includes(change)
  await next('both are idle', ({ report }) => report.totals.idle === 2)
  seen.length = 0
  const pane = tmuxOn(fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{@burn_worker} #{pane_id}')
    .split('\n')
    .find((row) => row.includes('ODIN'))
    ?.split(' ')[1]
  tmuxOn(fleet.socket, 'send-keys', '-t', pane ?? '', 'hello', 'Enter')
  await next('it works', reported('box/A/ODIN idle working'))
  const { report } = await next('it is idle', reported('box/A/ODIN working idle'))
  assert.equal(report.totals.idle, 2)
  assert.deepEqual(
    seen.filter((change) => change.includes('THOR')),
    [],
  )
  seen.length = 0
  tmuxOn(fleet.socket, 'new-session', '-d', '-s', 'MINE', '-x', '200', '-y', '50', 'cat')
  tmuxOn(fleet.socket, 'break-pane', '-d', '-s', pane ?? '', '-t', '=MINE:')
  tmuxOn(fleet.socket, 'send-keys', '-t', pane ?? '', 'hello', 'Enter')
  await next('it works in another session', reported('box/A/ODIN idle working'))
  await next('it is idle there', reported('box/A/ODIN working idle'))
  const client = tmuxOn(fleet.socket, 'list-clients', '-F', '#{client_name}').trim()
  tmuxOn(fleet.socket, 'detach-client', '-t', client)
  await next('the machine is lost', reported('box/A/THOR idle unreachable'))
  await next('the machine is back', reported('box/A/THOR unreachable idle'))
  assert.equal((await fleet.burn('hold', 'ODIN', '--reason', 'mine')).code, 0)
  await next("another process' hold", ({ report: now }) => now.totals.held === 1)
})
