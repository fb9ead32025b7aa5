/** `burn up` and `burn down` on a real tmux server. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fleet, Ran } from '../support/fleet.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

const panes = (fleet: Fleet, format: string) => tmuxOn(fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', format).trim().split('\n')

/** Returns a spec. Each window has a number of panes, or the names of its workers. */
function specOf(dir: string, socket: string, windows: Record<string, number | string[]>): object {
  const written = Object.entries(windows).map(([name, what]) => ({
    name,
    repos: ['app'],
    ...(typeof what === 'number' ? { panes: what } : { names: what }),
  }))
  return {
    name: 't',
    session: 'T',
    socket,
    dir: join(dir, 'w'),
    forge: { kind: 'folder', path: dir },
    ledger: `sqlite:${dir}/l.db`,
    agent: standIn(dir),
    machines: { box: { windows: written } },
  }
}

test('up: creates 112 panes, and a second run changes nothing', async (t) => {
  const sizes = [14, 12, 12, 10, 12, 8, 14, 14, 10, 6]
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, Object.fromEntries(sizes.map((size, index) => [`W${index}`, size]))))
  assert.equal((await fleet.burn('up')).code, 0)
  const rows = panes(fleet, '#{window_name} #{@burn_worker} #{pane_width} #{pane_height} #{pane_current_command}').map((row) =>
    row.split(' '),
  )
  assert.equal(rows.length, 112)
  assert.equal(new Set(rows.map(([, worker]) => worker)).size, 112)
  for (const [window = '', worker = '', width, height, command] of rows) {
    assert.ok(worker.startsWith(`box/${window}/`), `${worker} in ${window}`)
    assert.ok(Number(width) >= 100 && Number(height) >= 24, `${worker} has ${width}x${height}`)
    assert.equal(command, 'cat')
  }
  const again = (await fleet.burn('up', '--json')).json<{ machines: { actions: unknown[] }[] }>()
  assert.deepEqual(again.machines[0]?.actions, [])
})

test('up: panes are large enough for any number in a window', async (t) => {
  const counts = [1, 2, 3, 5, 7, 11, 17, 23, 30]
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, Object.fromEntries(counts.map((count) => [`N${count}`, count]))))
  assert.equal((await fleet.burn('up')).code, 0)
  for (const row of panes(fleet, '#{window_name} #{pane_width} #{pane_height}')) {
    const [window, width, height] = row.split(' ')
    assert.ok(Number(width) >= 100 && Number(height) >= 24, `${window}: ${width}x${height}`)
  }
})

test("up: replaces a missing pane and leaves a person's panes alone", async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: 3, B: 2 }))
  await fleet.burn('up')
  tmuxOn(fleet.socket, 'new-window', '-d', '-t', '=T:', '-n', 'mine', 'sleep 1000')
  tmuxOn(fleet.socket, 'split-window', '-d', '-t', '=T:=B', 'sleep 1000')
  const before = panes(fleet, '#{pane_id} #{@burn_worker}')
  const victim = before.find((row) => row.includes('box/A/'))?.split(' ')[0] ?? ''
  tmuxOn(fleet.socket, 'kill-pane', '-t', victim)
  await fleet.burn('up')
  const after = panes(fleet, '#{pane_id} #{@burn_worker}')
  const stayed = before.filter((row) => !row.startsWith(`${victim} `))
  assert.deepEqual(after.filter((row) => before.includes(row)).toSorted(), stayed.toSorted(), 'the other panes are unchanged')
  assert.equal(after.filter((row) => row.includes('box/A/')).length, 3)
  assert.equal((await fleet.burn('down', '--yes')).code, 0)
  assert.deepEqual(panes(fleet, '#{window_name} #{pane_current_command}').toSorted(), ['B sleep', 'mine sleep'])
})

test('up: settings in tmux.conf do not disturb the fleet', async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: 3, B: 4 }))
  const conf = [
    'set -g base-index 1',
    'setw -g pane-base-index 1',
    'set -g remain-on-exit off',
    'set -g destroy-unattached on',
    'set -s exit-empty off',
    'set -g default-command "false"',
    'set -g mouse on',
    'setw -g aggressive-resize on',
    'set -g automatic-rename on',
    'nonsense here',
  ]
  writeFileSync(join(fleet.dir, 'home/.tmux.conf'), `${conf.join('\n')}\n`)
  const up = await fleet.burn('up')
  assert.equal(up.code, 0, up.err)
  assert.deepEqual(panes(fleet, '#{window_name} #{remain-on-exit} #{window-size}').toSorted(), [
    'A on manual',
    'A on manual',
    'A on manual',
    ...Array.from({ length: 4 }, () => 'B on manual'),
  ])
})

test('attach: a smaller client changes the size of no pane', async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: 9 }))
  await fleet.burn('up')
  const sizes = panes(fleet, '#{pane_id} #{pane_width}x#{pane_height}')
  const person = privateSocket(t)
  tmuxOn(person, 'new-session', '-d', '-x', '200', '-y', '50', `env TMUX= tmux -L ${fleet.socket} attach -t =T`)
  await until('the client is attached', () =>
    tmuxOn(fleet.socket, 'list-clients', '-F', '#{client_width}x#{client_height} #{client_control_mode}').includes('200x50 0'),
  )
  assert.deepEqual(panes(fleet, '#{pane_id} #{pane_width}x#{pane_height}'), sizes)
})

test('up: retires a worker that the spec dropped, prune ends it', async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: ['ONE', 'TWO', 'THREE'] }))
  await fleet.burn('up')
  const of = (name: string) => panes(fleet, '#{pane_id} #{@burn_worker} #{@burn_retiring}').find((row) => row.includes(`/${name} `))
  const kept = of('THREE')
  fleet.writeSpec(specOf(fleet.dir, fleet.socket, { A: ['ONE', 'THREE'] }))
  await fleet.burn('up')
  assert.match(of('TWO') ?? '', / 1$/)
  assert.equal(of('THREE'), kept)
  await fleet.burn('up', '--prune')
  assert.equal(of('TWO'), undefined)
  assert.equal(of('THREE'), kept)
})

test('up: adopts an unused shell, but not one in use', async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: ['ONE'] }))
  await fleet.burn('up')
  tmuxOn(fleet.socket, 'split-window', '-d', '-t', '=T:=A', 'exec sh')
  tmuxOn(fleet.socket, 'split-window', '-d', '-t', '=T:=A', 'sh -c "sleep 1000; true"')
  await until(
    'the shells run',
    () => panes(fleet, '#{pane_current_command}').filter((command) => command === 'sh' || command === 'sleep').length === 2,
  )
  fleet.writeSpec(specOf(fleet.dir, fleet.socket, { A: ['ONE', 'TWO', 'THREE'] }))
  const up = (await fleet.burn('up', '--json')).json<{ machines: { actions: { do: string }[] }[] }>()
  assert.deepEqual(
    up.machines[0]?.actions.map((action) => action.do),
    ['adopt_pane', 'add_panes'],
  )
  await fleet.burn('down', '--yes')
  assert.equal(panes(fleet, '#{pane_id}').length, 2, 'down keeps the adopted shell and the one in use')
})

test("up: reports another machine's server and a refusing host", async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: 1 }))
  await fleet.burn('up')
  const windows = [{ name: 'A', panes: 1, repos: ['app'] }]
  const spec = specOf(fleet.dir, fleet.socket, { A: 1 }) as { machines: object }
  fleet.writeSpec({
    ...spec,
    machines: { box: { windows }, other: { exec: ['env'], windows }, away: { host: '127.0.0.1', ssh: { port: 1 }, windows } },
  })
  const up = await fleet.burn('up', '--json')
  assert.equal(up.code, 3)
  const byName = new Map(
    up.json<{ machines: { name: string; error: string | null }[] }>().machines.map((machine) => [machine.name, machine.error]),
  )
  assert.equal(byName.get('box'), null)
  assert.match(byName.get('other') ?? '', /its tmux server already belongs to the machine "box"/)
  assert.match(byName.get('away') ?? '', /refused/i)
})

test('up: a dry run writes nothing and predicts the names', async (t) => {
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, { A: 2 }))
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: 'x' }])
  const kept = async () => {
    const ledger = await openLedger(`sqlite:${fleet.dir}/l.db`, { random: Math.random })
    const rows = [(await ledger.view()).workers.length, (await ledger.events({})).length]
    await ledger.close()
    return rows
  }
  const named = (ran: Ran) => ran.json<{ machines: { actions: { workers: string[] }[] }[] }>().machines[0]?.actions[0]?.workers
  const predicted = named(await fleet.burn('up', '--dry-run', '--json'))
  assert.equal((await fleet.burn('dispatch', '--dry-run')).code, 0)
  assert.deepEqual(await kept(), [0, 0])
  assert.deepEqual(named(await fleet.burn('up', '--json')), predicted)
  assert.equal((await kept())[0], 2)
})
