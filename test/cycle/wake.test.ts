/** Dispatchers that share a ledger on PostgreSQL wake each other. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { command, compiled, testFleet, writeIssues } from '../support/fleet.ts'
import { sharedPostgres } from '../support/postgres.ts'

after(async () => (await sharedPostgres())?.stop())

test('dispatcher: another process that frees a worker wakes it', async (t) => {
  const server = await sharedPostgres()
  if (server === null) return t.skip('no PostgreSQL came with the node modules, and none is installed')
  const ledger = await server.fresh()
  const fleet = testFleet(t, (dir, socket) => ({
    name: 't',
    socket,
    dir: join(dir, 'w'),
    ledger,
    forge: { kind: 'folder', path: dir },
    machines: { box: { windows: [{ name: 'APP', names: ['ONE'], repos: ['app'] }] } },
  }))
  writeIssues(fleet.dir, 'app', [])
  const interval = 50
  const dispatcher = spawn(process.execPath, [command, 'dispatch', '--cycles', '2', '--interval', String(interval), '--json'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: fleet.dir,
      BURN_SPEC: join(fleet.dir, 'fleet-spec.json'),
      NODE_COMPILE_CACHE: compiled,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(dispatcher, 'exit')
  t.after(() => {
    dispatcher.kill()
    return ended
  })
  const lines = createInterface(dispatcher.stdout)[Symbol.asyncIterator]()
  await lines.next()
  const first = Date.now()
  for (const words of [
    ['hold', 'ONE', '--reason', 'mine'],
    ['resume', 'ONE'],
  ])
    assert.equal((await fleet.burn(...words)).code, 0)
  await lines.next()
  const paused = Date.now() - first
  assert.ok(paused < (interval - 10) * 1000, `${paused} ms`)
  assert.ok(paused >= 5_000, `${paused} ms: dispatchers must not keep waking each other`)
})
