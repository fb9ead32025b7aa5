/** `burn notify` and the job `notify`, with real receivers. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startReceiver } from '../notify/receivers.ts'
import { testFleet } from '../support/fleet.ts'

test('burn notify: tests channels, lists them, and sends events', async (t) => {
  const [good, bad] = [await startReceiver(t), await startReceiver(t)]
  bad.answer = 503
  const notify = (dir: string, kinds: readonly string[] = ['fleet.held']) => ({
    channels: {
      hook: { kind: 'webhook', url: good.url },
      chat: { kind: 'slack', url: { file: join(dir, 'slack') } },
      log: { kind: 'command', command: ['sh', '-c', 'cat >> "$0"', join(dir, 'out')] },
    },
    rules: [{ kinds, channels: ['hook', 'chat'] }],
  })
  const spec = (dir: string, more: object) => {
    mkdirSync(join(dir, 'issues/app'), { recursive: true })
    writeFileSync(join(dir, 'slack'), `${bad.url}/services/topsecret`, { mode: 0o600 })
    const machines = { box: { windows: [{ name: 'W', panes: 1, repos: ['app'] }] } }
    return { name: 'f', ledger: `sqlite:${dir}/l.db`, forge: { kind: 'folder', path: dir, owner: 'me' }, machines, ...more }
  }
  const fleet = testFleet(t, (dir) => spec(dir, { notify: notify(dir) }))
  const run = async (...words: readonly string[]) => {
    const ran = await fleet.burn(...words)
    assert.doesNotMatch(ran.out + ran.err, /topsecret/)
    return ran
  }

  const dry = await run('notify', 'test', '--dry-run')
  assert.equal(dry.code, 0, dry.err)
  assert.match(dry.out, /^hook \(webhook\): would get:\n\{\n {2}"url": "http/)
  assert.deepEqual([good.received.length, bad.received.length], [0, 0])
  const tested = await run('notify', 'test')
  assert.equal(tested.code, 3)
  assert.match(
    tested.out,
    /^hook \(webhook\): accepted the message\nchat \(slack\): the receiver of chat answered 503 \(notify_refused: .*\nlog \(command\): accepted/,
  )
  assert.equal((await run('notify', 'test', 'chat')).code, 1)
  const wrong = await run('notify', 'test', 'hok')
  assert.deepEqual([wrong.code, /did you mean hook\?/.test(wrong.err)], [2, true])

  assert.match((await run('job', 'run', 'notify')).out, /^notify: planned 0 notifications, sent 0 messages, 0 failed$/m)
  assert.equal((await run('hold', 'all', '--reason', 'lunch <!channel>')).code, 0)
  const sent = await run('job', 'run', 'notify')
  assert.match(sent.out, /^notify: planned 2 notifications, sent 1 message, 1 failed$/m)
  assert.match(sent.err, /chat: a message did not arrive: the receiver of chat answered 503/)
  const { title, events } = JSON.parse(good.received.at(-1)!.body) as { title: string; events: { kind: string; text: string }[] }
  assert.deepEqual([title, events.map(({ kind, text }) => [kind, text])], ['f: the fleet: held', [['fleet.held', 'lunch <!channel>']]])

  const listed = await run('notify', 'list', '--json')
  const { channels, unsent } = listed.json<{ channels: { name: string; unsent: number; last_error: string | null }[]; unsent: object[] }>()
  assert.deepEqual(
    channels.map((channel) => [channel.name, channel.unsent, channel.last_error === null]),
    [
      ['hook', 0, true],
      ['chat', 1, false],
      ['log', 0, true],
    ],
  )
  assert.equal(unsent.length, 1)
  assert.match((await run('notify', 'list')).out, /^chat +slack +1 unsent +the receiver of chat answered 503 \(notify_refused\)$/m)

  const jobs = await run('job', 'list')
  assert.match(jobs.out, /^JOB +LAST RUN +NEXT RUN +RESULT\nnotify +\d+s ago +planned 2 notifications, sent 1 message, 1 failed\n$/)
  const off = await run('job', 'run', 'snapshot')
  assert.equal(off.code, 2)
  assert.match(off.err, /the spec has no "snapshot.interval", so burn does not run the job snapshot \(job_disabled\)/)

  fleet.writeSpec(spec(fleet.dir, { notify: notify(fleet.dir, ['worker.wating']) }))
  const checked = await run('spec', 'check')
  assert.deepEqual(
    [checked.code, /fleet-spec\.json:\d+:\d+: no event has the kind "worker\.wating"\. Did you mean "worker\.waiting"\?/.test(checked.err)],
    [2, true],
  )
  fleet.writeSpec(spec(fleet.dir, {}))
  const unset = await run('notify', 'list')
  assert.deepEqual([unset.code, /notify_unset/.test(unset.err)], [2, true])
})
