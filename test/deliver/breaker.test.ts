/** The circuit breaker of an agent kind, on a real tmux server. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SnapshotWithScreens } from '../../src/core/pane-host.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { bringUp } from '../../src/operate/up-down.ts'
import { send } from '../../src/operate/send.ts'
import { scratch, until } from '../support/fleet.ts'
import { privateSocket } from '../support/tmux.ts'

/** Imitates an agent after an update: the same command name, but a screen that burn does not recognise. */
const strange = `printf '● an earlier answer\\n\\n=== the new prompt ===\\n'; exec cat >"$0.typed"`
const shownIn = ({ screens }: SnapshotWithScreens, pane: string) => screens.get(pane)?.join('\n') ?? ''

test('breaker: stops typing to an unrecognised screen and reports it once', async (t) => {
  const dir = scratch(t)
  const socket = privateSocket(t)
  mkdirSync(join(dir, 'issues/app'), { recursive: true })
  const spec = {
    name: 'f',
    session: 'F',
    socket,
    dir,
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: { kind: 'hermes', hooks: false },
    machines: { box: { windows: [{ name: 'W', panes: 4, repos: ['app'] }] } },
  }
  writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec))
  const notices: string[] = []
  const notify = ({ subject, text }: { subject: string; text: string }) => void notices.push(`${subject}: ${text}`)
  const { session, close } = await openSession(
    { spec: join(dir, 'spec.json') },
    { clock: systemClock, env: {}, home: dir, cwd: dir, notify },
  )
  t.after(close)
  await bringUp(session.fleet.machines, session, { dryRun: false, prune: false })
  const [host] = await session.machines.open(session.fleet.machines)
  assert.ok(host)
  const snapshot = await host.snapshot()
  assert.ok(snapshot.state === 'up')
  const started = await host.start(
    snapshot.panes.map((pane) => ({
      pane,
      argv: ['sh', '-c', strange, join(dir, pane.id)],
      env: {},
      dir,
      queues: false,
      id: '1m7y6ewdbs30w',
      without_hooks: null,
    })),
  )
  assert.deepEqual(started, [true, true, true, true])
  await until('the new screen shows', async () => {
    const seen = await host.snapshotWithScreens()
    const panes = seen.snapshot.state === 'up' ? seen.snapshot.panes : []
    return (
      panes.length === 4 && panes.every(({ id }) => shownIn(seen, id).includes('the new prompt') && existsSync(join(dir, `${id}.typed`)))
    )
  })
  const workers = session.fleet.machines[0]!.windows[0]!.workers
  const messages = workers.map((worker) => ({ worker, text: 'hello' }))
  const brief = await send(messages.slice(0, 1), session, new AbortController().signal, { timeout: 100 })
  assert.deepEqual([brief[0]?.state, notices], ['refused', []], 'agents may redraw their screens')
  const sent = await send(messages, session, new AbortController().signal, { timeout: 1_200 })
  assert.deepEqual(
    sent.map(({ state }) => state),
    ['refused', 'refused', 'refused', 'refused'],
  )
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /^hermes: agents of this kind get no texts: burn does not recognise the composer of hermes on 4 of 4 workers/)
  const after = await host.snapshotWithScreens()
  for (const { id } of snapshot.panes) assert.ok(!shownIn(after, id).includes('hello'))
})
