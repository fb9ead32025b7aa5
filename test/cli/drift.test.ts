/** Agents that run with other settings than the spec has, in each report. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Event } from '../../src/core/events.ts'
import type { StatusReport } from '../../src/decide/report.ts'
import { standIn, testFleet, until } from '../support/fleet.ts'

test('drift: reports name an agent with another model', async (t) => {
  let specOf = (_settings: object): object => ({})
  const fleet = testFleet(t, (dir, socket) => {
    specOf = (settings) => ({
      name: 'f',
      session: 'F',
      socket,
      dir: join(dir, 'w'),
      ledger: `sqlite:${dir}/l.db`,
      forge: { kind: 'folder', path: dir, owner: 'me' },
      agent: { ...standIn(dir), hooks: false, ...settings },
      machines: { box: { windows: [{ name: 'W', names: ['ANN', 'BEN'], repos: ['app'], workers: { BEN: { agent: { model: 'any' } } } }] } },
    })
    return specOf({ model: 'big-model' })
  })
  const watchdog = () => fleet.burn('job', 'run', 'watchdog')
  const ann = async () => (await fleet.burn('status', '--json')).json<StatusReport>().machines[0]!.windows[0]!.workers[0]!
  const shown = async () => (await ann()).drift
  const isIdle = async () => (await ann()).state === 'idle'
  await fleet.burn('up')
  await fleet.burn('christen')
  assert.equal(await shown(), null)
  assert.equal((await watchdog()).out, 'watchdog box: 0 agents with other settings than expected\n')
  fleet.writeSpec(specOf({ model: 'small-model' }))
  const text = 'ANN runs big-model, the spec says small-model'
  const line = `${text}. Run: burn restart ANN`
  const drift = await shown()
  assert.deepEqual([drift?.state, drift?.text, drift?.remedy], ['wrong_model', text, 'burn restart ANN'])
  const up = await fleet.burn('up')
  assert.deepEqual([up.err, up.out], [`box: ${line}\n`, 'box  up to date; 1 agent with other settings than expected\n'])
  const christened = (await fleet.burn('christen', '--json')).json<{ workers: { outcome: string; why: string }[] }>()
  const [first, second] = christened.workers.map(({ outcome, why }) => `${outcome}: ${why}`)
  assert.deepEqual([first, second], [`already: named before (seen). ${line}`, 'already: named before (seen)'])
  assert.equal((await watchdog()).out, 'watchdog box: 1 agent with other settings than expected\n')
  const found = await fleet.burn('model', 'drift')
  assert.equal(found.code, 1)
  assert.match(
    found.out,
    /^WORKER +STATE +FOR +RUNS +SHOULD RUN +EVIDENCE\nANN +wrong model +\d+s +big-model \(started\) +small-model +burn started /,
  )
  assert.ok(found.out.includes(`\n${line}\n2 workers: 1 wrong model, 1 ok\n`), found.out)
  await until('ANN has read who it is', isIdle)
  const planned = await fleet.burn('model', 'drift', '--mend', '--dry-run')
  assert.ok(planned.out.includes('\nANN: burn would change the model by a command\n'), planned.out)
  const mended = await fleet.burn('model', 'drift', 'ANN', '--mend')
  assert.equal(mended.out, 'ANN: command seen: the screen shows that the agent carried out the command\n1 worker: 1 ok\n', mended.err)
  assert.equal(await shown(), null)
  fleet.writeSpec(specOf({ model: 'small-model', env: { LANG: 'C' } }))
  assert.equal((await shown())?.text, 'ANN runs with the environment of its start, which the spec has changed since then')
  await watchdog()
  await until('ANN has changed its model', isIdle)
  const restarted = await fleet.burn('model', 'drift', 'ANN', '--mend')
  assert.equal(restarted.out, 'ANN: burn restarted the agent\n1 worker: 1 ok\n', restarted.err)
  await watchdog()
  const { events } = (await fleet.burn('log', '--json', '--kind', 'drift.*', '--worker', 'ANN')).json<{ events: Event[] }>()
  assert.deepEqual(
    events.map(({ kind, worker }) => [kind, worker]),
    ['drift.found', 'drift.commanded', 'drift.cleared', 'drift.found', 'drift.restarted', 'drift.cleared'].map((kind) => [
      kind,
      'box/W/ANN',
    ]),
  )
})
