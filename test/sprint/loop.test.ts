/** `burn worker loop`, with real processes where signals matter. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test, type TestContext } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import type { Sprint } from '../../src/core/sprint.ts'
import { loopLease } from '../../src/decide/stops.ts'
import { command, standIn, until } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'
import { brainOf, taskIn } from './brain.ts'
import { repo, secrets, sprintRig, type RigOptions, type SprintRig } from './rig.ts'
import { startBurn, startHere, type Running, type RunningHere } from './running.ts'

const options = { timeout: 180_000 }
const azoth = 'box/W/AZOTH'
const windows = [{ name: 'W', names: ['AZOTH', 'BOREAS'], repos: ['app'] }]
const noop = () => undefined

/** Issue 1 waits for its model forever, issue 2 ends without a change, and the others get a change. */
const script: Script = (messages, tools) => {
  if (taskIn(messages).number === 1) return { hang: 'at once' }
  const brain = brainOf((number) => (number === 2 ? 'nothing' : 'plain'), { conflict: noop, taken_branch: noop })
  return brain(messages, tools)
}

function rigOf(t: TestContext, titles: readonly string[], more: Partial<RigOptions> = {}): Promise<SprintRig> {
  const issues = titles.map((title) => ({ title, body: 'do it', state: title === 'closed' ? ('closed' as const) : ('open' as const) }))
  return sprintRig(t, { issues, script, windows, sprint: { sandbox: { use: 'off' } }, ...more })
}

const looping = ['worker', 'loop', '--json', '--interval', '1']
const loopOf = (t: TestContext, rig: SprintRig, ...words: readonly string[]): RunningHere => startHere(t, rig.env, ...looping, ...words)
/** Starts the loop in its own process, for tests of signals. */
const processOf = (t: TestContext, rig: SprintRig, ...words: readonly string[]): Running => startBurn(t, rig.env, ...looping, ...words)
const rowOf = (line: string) => JSON.parse(line) as Sprint
const error = (line: string) => (JSON.parse(line) as { error: { code: string; message: string } }).error

/** Returns the comments on an issue. */
const comments = ({ forge }: SprintRig, number: number) =>
  forge.state.repos
    .get(repo)
    ?.items.get(number)
    ?.comments.map(({ body }) => body) ?? []

async function leases(rig: SprintRig): Promise<readonly string[]> {
  return rig.ledger(async (ledger) => [...(await ledger.view()).leases.keys()])
}

// These tests mostly wait, so they can run in parallel.
describe('burn worker loop', { concurrency: 3 }, () => {
  test('loop: takes issues of the home repo first', options, async (t) => {
    const rig = await rigOf(t, ['closed', 'in vain', 'well'], {
      windows: [{ name: 'W', names: ['AZOTH'], repos: ['app', 'lib'], workers: { AZOTH: { repo: 'lib' } } }],
      also: [{ title: 'closed', state: 'closed' }, { title: 'closed', state: 'closed' }, { title: 'at home' }],
      by: 'http',
    })
    const loop = loopOf(t, rig, 'AZOTH', '--count', '3')
    assert.equal(await loop.ended, 0, loop.lines.join('\n'))
    const rows = loop.lines.filter((line) => line.includes('"outcome"')).map(rowOf)
    assert.deepEqual(
      rows.map(({ issue, worker, outcome, failure }) => [issue, worker, outcome, failure]),
      [
        ['acme/lib#3', azoth, 'change', null],
        [`${repo}#2`, azoth, 'failed', 'no_change'],
        [`${repo}#3`, azoth, 'change', null],
      ],
    )
    const skips = (await rig.burn('worker', 'skips', '--json')).json<{ skips: { worker: string; issue: string; reason: string }[] }>().skips
    assert.deepEqual(
      skips.map(({ worker, issue }) => [worker, issue]),
      [[azoth, `${repo}#2`]],
    )
    assert.match(skips[0]?.reason ?? '', /^no_change: the backend ended without a change: What this asks for/)
    assert.deepEqual(await leases(rig), [])
    await rig.ledger((ledger) => ledger.check())
  })

  test('loop: SIGTERM ends it, and releases its claim and lease', options, async (t) => {
    const rig = await rigOf(t, ['waits'])
    const loop = processOf(t, rig, 'AZOTH')
    await rig.model.asked()
    const second = await rig.burn('worker', 'loop', azoth, '--json')
    assert.equal(second.code, 1)
    assert.equal(error(second.out).code, 'loop_running')
    loop.kill('SIGTERM')
    assert.deepEqual(await loop.ended, { code: 3, signal: null }, loop.lines.join('\n'))
    const row = rowOf(await loop.waitFor(/"outcome"/))
    assert.deepEqual([row.outcome, row.failure], ['given_back', 'stopped'])
    const [dispatch] = await rig.ledger((ledger) => ledger.dispatches({ issue: `${repo}#1` }))
    assert.equal(dispatch?.state, 'released')
    const waitFor = comments(rig, 1)
    assert.equal(waitFor.length, 1)
    assert.match(waitFor[0] ?? '', /state=released/)
    assert.deepEqual(await leases(rig), [])
    const record = await rig.ledger((ledger) => ledger.issue(`${repo}#1`))
    assert.equal(record?.attempts, 0, 'a stop costs the issue no attempt')
  })

  test('loop: replaces a killed loop once its lease has run out', options, async (t) => {
    const rig = await rigOf(t, ['waits', 'closed', 'well'], { more: () => ({ dispatch: { depth: 1 } }) })
    const killedLoop = processOf(t, rig, 'AZOTH')
    await rig.model.asked()
    killedLoop.kill('SIGKILL')
    await killedLoop.ended
    const refusedLoop = await rig.burn('worker', 'loop', 'AZOTH', '--json')
    assert.equal(error(refusedLoop.out).code, 'loop_running', 'its lease still holds')
    await rig.ledger(async (ledger) => {
      const owner = (await ledger.view()).leases.get(loopLease(azoth))?.owner ?? ''
      await ledger.renewLeases(owner, Date.now() - 1)
    })
    const next = loopOf(t, rig, 'AZOTH', '--count', '1')
    assert.equal(await next.ended, 0, next.lines.join('\n'))
    assert.ok(!next.lines.some((line) => line.includes('"rests"')), 'the claim of the killed loop is no reason to pause')
    assert.equal(rowOf(await next.waitFor(/"outcome"/)).issue, `${repo}#3`, 'its slot is free at once, and the lost issue backs off')
    const rows = await rig.ledger(async (ledger) => {
      await ledger.check()
      return ledger.sprints({ issue: `${repo}#1` })
    })
    assert.deepEqual(
      rows.map(({ outcome, failure }) => [outcome, failure]),
      [['failed', 'crashed']],
    )
    assert.match(comments(rig, 1)[0] ?? '', /state=lost/)
  })

  test('loop: claims nothing while held, and backs off in trouble', options, async (t) => {
    const rig = await rigOf(t, ['closed', 'closed', 'well'])
    const key = join(rig.dir, 'model.secret')
    await rig.burn('hold', azoth, '--reason', 'its laptop is away')
    const loop = loopOf(t, rig, 'AZOTH', '--count', '1')
    assert.match(await loop.waitFor(/"rests"/), /the worker is held: its laptop is away/)
    writeFileSync(key, 'revoked')
    await rig.burn('resume', azoth)
    const pauses = [
      await loop.waitFor(/no backend works now/),
      await loop.waitFor(/no backend works now/),
      await loop.waitFor(/no backend works now/),
    ]
    assert.deepEqual(
      pauses.map((line) => (JSON.parse(line) as { ms: number }).ms),
      [1000, 2000, 4000],
    )
    assert.deepEqual(comments(rig, 3), [], 'nothing was claimed')
    writeFileSync(key, secrets.model)
    assert.equal(await loop.ended, 0, loop.lines.join('\n'))
    assert.equal(rowOf(await loop.waitFor(/"outcome"/)).outcome, 'change')
  })

  test('loop: backs off from a forge that is down, then continues', options, async (t) => {
    const rig = await rigOf(t, ['closed', 'closed', 'well'])
    rig.forge.trouble({ kind: 'status', status: 503 }, /^GET /, 6)
    const loop = loopOf(t, rig, 'AZOTH', '--count', '1')
    assert.match(await loop.waitFor(/"rests"/), /503/)
    assert.equal(await loop.ended, 0, loop.lines.join('\n'))
    assert.equal(rowOf(await loop.waitFor(/"outcome"/)).outcome, 'change')
  })

  test('loop: survives a locked ledger, and releases its claim', options, async (t) => {
    const locks: DatabaseSync[] = []
    const rig = await rigOf(t, ['well'], {
      script: (messages, tools) => {
        // From its first answer on, the ledger is locked.
        if (locks.length === 0) {
          const other = new DatabaseSync(join(rig.dir, 'l.db'))
          locks.push(other)
          other.exec('begin immediate')
        }
        return brainOf(() => 'plain', { conflict: noop, taken_branch: noop })(messages, tools)
      },
    })
    const loop = loopOf(t, rig, 'AZOTH', '--count', '1')
    assert.match(await loop.waitFor(/"rests"/), /ledger/)
    locks[0]?.close()
    assert.equal(await loop.ended, 0, loop.lines.join('\n'))
    const rows = await rig.ledger(async (ledger) => {
      await ledger.check()
      return ledger.sprints({})
    })
    assert.deepEqual(
      rows.map(({ outcome, failure }) => [outcome, failure]),
      [
        ['change', null],
        ['given_back', 'crashed'],
      ],
    )
  })

  test('loop: its pane gets no issue, text or name', options, async (t) => {
    const socket = privateSocket(t)
    const more = (dir: string) => ({
      socket,
      session: 'S',
      dir: `${dir}/w`,
      agent: standIn(dir, '--turn-ms', '50'),
      dispatch: { depth: 2 },
    })
    const rig = await rigOf(t, ['waits', 'for its pane'], { windows: [{ name: 'W', names: ['AZOTH'], repos: ['app'] }], more })
    mkdirSync(join(rig.dir, 'agents'))
    for (const words of [['up'], ['christen']]) assert.equal((await rig.burn(...words)).code, 0)
    const loop = loopOf(t, rig, 'AZOTH')
    await rig.model.asked()
    const dispatched = (await rig.burn('dispatch', '--json')).json<{ claimed: unknown[]; deliveries: unknown[] }>()
    assert.deepEqual([dispatched.claimed, dispatched.deliveries], [[], []])
    const sending = await rig.burn('send', 'AZOTH', 'hear me', '--wait', '1')
    assert.notEqual(sending.code, 0)
    assert.match(sending.out + sending.err, /the worker claims its issues itself/)
    assert.match((await rig.burn('christen')).out, /already +box\/W\/AZOTH +the worker claims its issues itself/)
    assert.match((await rig.burn('status')).out, /gets no texts: the worker claims its issues itself/)
    assert.match((await rig.burn('explain', 'app#2')).out, /the worker claims its issues itself/)
    loop.stop()
    await loop.ended
    const after = (await rig.burn('dispatch', '--json')).json<{ claimed: { issue: string }[] }>()
    assert.deepEqual(
      after.claimed.map(({ issue }) => issue),
      [`${repo}#1`, `${repo}#2`],
    )
    // Dispatches in its pane count, also in slots above a lowered depth.
    const spec = JSON.parse(readFileSync(rig.env['BURN_SPEC'] ?? '', 'utf8')) as object
    writeFileSync(rig.env['BURN_SPEC'] ?? '', JSON.stringify({ ...spec, dispatch: { depth: 1 } }))
    assert.equal((await rig.burn('issue', 'release', 'app#1', '--force')).code, 0)
    const fullLoop = loopOf(t, rig, 'AZOTH')
    assert.match(await fullLoop.waitFor(/"rests"/), /all slots of the worker are occupied \(depth 1\)/)
  })

  test('loop: burn christen can start one in a pane', options, async (t) => {
    const socket = privateSocket(t)
    const rig = await rigOf(t, ['closed', 'closed', 'well'], {
      windows: [{ name: 'W', names: ['AZOTH'], repos: ['app'] }],
      more: (dir) => ({
        socket,
        session: 'S',
        dir: `${dir}/w`,
        agent: {
          kind: 'shell',
          command: [process.execPath, command, 'worker', 'loop', '--interval', '1'],
          env: { BURN_SPEC: join(dir, 'fleet-spec.json'), NO_COLOR: '1' },
        },
      }),
    })
    assert.equal((await rig.burn('up')).code, 0)
    const christened = await rig.burn('christen')
    assert.equal(christened.code, 0, christened.out + christened.err)
    assert.match(christened.out, /named +box\/W\/AZOTH +the worker claims its issues itself/)
    await until('its issue has a change', () => rig.changes().has(3), 90_000)
    const screen = () => tmuxOn(socket, 'capture-pane', '-p', '-t', 'S:W')
    await until('the pane shows the change', () => /acme\/app#3 +change in/.test(screen()))
    assert.match(screen(), /box\/W\/AZOTH works on issues of acme\/app/)
    assert.doesNotMatch(screen(), /You are/, 'burn typed nothing into it')
  })
})
