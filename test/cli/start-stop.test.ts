/** `burn start` and `burn stop` on a real tmux server, with stand-in agents and a folder as the forge. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { burn, standIn, testFleet, until, writeIssues } from '../support/fleet.ts'

/** Two workers for `app`. */
const fleetSpec = (dir: string, socket: string) => ({
  name: 't',
  socket,
  dir: join(dir, 'w'),
  forge: { kind: 'folder', path: dir },
  ledger: `sqlite:${dir}/l.db`,
  dispatch: { depth: 1 },
  agent: standIn(dir, '--turn-ms', '50'),
  machines: { box: { windows: [{ name: 'APP', names: ['ONE', 'TWO'], repos: ['app'] }] } },
})

test('start: several share the work, and stop ends all of them', { timeout: 60_000 }, async (t) => {
  const fleet = testFleet(t, fleetSpec)
  const file = join(fleet.dir, 'fleet-spec.json')
  const work = () => fleet.received().filter(({ text }) => text.includes('You have one issue to work on')).length
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: '1' }])
  const idle = await fleet.burn('stop', '--json')
  assert.deepEqual([idle.code, idle.json()], [0, { drain: false, asked: [], running: [] }])
  const dry = await fleet.burn('start', '--dry-run')
  assert.match(dry.out, /would create window APP with 2 panes/)

  const screen: string[] = []
  const env = { BURN_SPEC: file, HOME: join(fleet.dir, 'home') }
  const first = burn(['start', '--interval', '1'], env, { terminal: true, onOutput: (text) => void screen.push(text) })
  await until('the first issue is in a pane', () => work() === 1)
  const printed: string[] = []
  const second = burn(['start', '--interval', '1', '--json'], env, { onOutput: (text) => void printed.push(text) })
  await until('the second one runs cycles', () => printed.some((text) => text.includes('"cycle":1')))
  const drained = fleet.burn('stop', '--drain', '--json')
  await until('the request is in the ledger', async () => (await fleet.burn('log')).out.includes('fleet.stopping'))
  writeIssues(fleet.dir, 'app', [
    { title: 'First', body: '1' },
    { title: 'Second', body: '2' },
  ])
  const issue = join(fleet.dir, 'issues/app/1.md')
  writeFileSync(issue, readFileSync(issue, 'utf8').replace('title:', 'state: closed\ntitle:'))
  const { code, json } = await drained
  assert.deepEqual(
    [code, json<{ asked: unknown[]; running: unknown[] }>().asked.length, json<{ running: unknown[] }>().running],
    [0, 2, []],
  )
  assert.deepEqual([(await first).code, (await second).code], [0, 0])
  assert.equal(work(), 1, 'no new work after the request')
  const shown = screen.join('')
  assert.match(shown, /local\/app#1: ONE got the issue[^]*draining: burn gives no new issue/)
  assert.match(shown, /\x1b\[\?1049lburn start has ended/, 'the terminal is restored')

  const interrupt = new AbortController()
  const third = burn(['dispatch', '--cycles', '0'], env, { stop: interrupt.signal })
  await until('a later dispatcher gives the second issue', () => work() === 2)
  interrupt.abort()
  assert.equal((await third).code, 0, 'Ctrl-C is the normal end')
})
