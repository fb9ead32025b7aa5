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

const limit = { timeout: 180_000 }
const azoth = 'box/W/AZOTH'
const windows = [{ name: 'W', names: ['AZOTH', 'BOREAS'], repos: ['app'] }]
const nothing = () => undefined

/** Issue 1 waits for its model for ever, 2 comes to nothing, the others to a change. */
const script: Script = (messages, tools) => {
  if (taskIn(messages).number === 1) return { hang: 'at once' }
  const brain = brainOf((number) => (number === 2 ? 'nothing' : 'plain'), { conflict: nothing, taken_branch: nothing })
  return brain(messages, tools)
}

function rigOf(t: TestContext, titles: readonly string[], more: Partial<RigOptions> = {}): Promise<SprintRig> {
  const issues = titles.map((title) => ({ title, body: 'do it', state: title === 'closed' ? ('closed' as const) : ('open' as const) }))
  return sprintRig(t, { issues, script, windows, sprint: { sandbox: { use: 'off' } }, ...more })
}

const looping = ['worker', 'loop', '--json', '--interval', '1']
const loopOf = (t: TestContext, rig: SprintRig, ...words: readonly string[]): RunningHere => startHere(t, rig.env, ...looping, ...words)
/** For what only a process has: signals, and a ledger that it waits for. */
const processOf = (t: TestContext, rig: SprintRig, ...words: readonly string[]): Running => startBurn(t, rig.env, ...looping, ...words)
const rowOf = (line: string) => JSON.parse(line) as Sprint
const error = (line: string) => (JSON.parse(line) as { error: { code: string; message: string } }).error

/** The comments that the fleet wrote on an issue. */
const comments = ({ forge }: SprintRig, number: number) =>
  forge.state.repos
    .get(repo)
    ?.items.get(number)
    ?.comments.map(({ body }) => body) ?? []

async function leases(rig: SprintRig): Promise<readonly string[]> {
  return rig.ledger(async (ledger) => [...(await ledger.view()).leases.keys()])
}

// They wait more than they work.
describe('burn worker loop', { concurrency: 3 }, () => {
  test(
    'issue after issue for its worker, of its home repo first, until so many are done; what came to nothing is left alone by it, and by nobody else',
    limit,
    async (t) => {
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
      const skips = (await rig.burn('worker', 'skips', '--json')).json<{ skips: { worker: string; issue: string; reason: string }[] }>()
        .skips
      assert.deepEqual(
        skips.map(({ worker, issue }) => [worker, issue]),
        [[azoth, `${repo}#2`]],
      )
      assert.match(skips[0]?.reason ?? '', /^no_change: it ended without a change: What this asks for/)
      assert.deepEqual(await leases(rig), [])
      await rig.ledger((ledger) => ledger.check())
    },
  )

  test('one loop a worker; SIGTERM ends it in its step, gives back what it had, and leaves no lease', limit, async (t) => {
    const rig = await rigOf(t, ['waits'])
    const loop = processOf(t, rig, 'AZOTH')
    await rig.model.asked()
    const second = await rig.burn('worker', 'loop', azoth, '--json')
    assert.equal(second.code, 1)
    assert.equal(error(second.out).code, 'loop_running')
    loop.kill('SIGTERM')
    assert.deepEqual(await loop.ended, { code: 3, signal: null }, loop.lines.join('\n'))
    const row = rowOf(await loop.said(/"outcome"/))
    assert.deepEqual([row.outcome, row.failure], ['given_back', 'stopped'])
    const [dispatch] = await rig.ledger((ledger) => ledger.dispatches({ issue: `${repo}#1` }))
    assert.equal(dispatch?.state, 'released')
    const said = comments(rig, 1)
    assert.equal(said.length, 1)
    assert.match(said[0] ?? '', /state=released/)
    assert.deepEqual(await leases(rig), [])
    const record = await rig.ledger((ledger) => ledger.issue(`${repo}#1`))
    assert.equal(record?.attempts, 0, 'nothing was wrong with the issue')
  })

  test('a loop that was killed counts as gone when its lease ran out: the next one settles what it had, and goes on', limit, async (t) => {
    const rig = await rigOf(t, ['waits', 'closed', 'well'], { more: () => ({ dispatch: { depth: 1 } }) })
    const killed = processOf(t, rig, 'AZOTH')
    await rig.model.asked()
    killed.kill('SIGKILL')
    await killed.ended
    const refused = await rig.burn('worker', 'loop', 'AZOTH', '--json')
    assert.equal(error(refused.out).code, 'loop_running', 'nobody can know yet that it is gone')
    await rig.ledger(async (ledger) => {
      const owner = (await ledger.view()).leases.get(loopLease(azoth))?.owner ?? ''
      await ledger.renewLeases(owner, Date.now() - 1)
    })
    const next = loopOf(t, rig, 'AZOTH', '--count', '1')
    assert.equal(await next.ended, 0, next.lines.join('\n'))
    assert.ok(!next.lines.some((line) => line.includes('"rests"')), 'what it had is no reason to wait')
    assert.equal(rowOf(await next.said(/"outcome"/)).issue, `${repo}#3`, 'its slot is free at once, and what was lost waits a while')
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

  test(
    'a held worker takes nothing; trouble that would meet every issue claims nothing, and is looked at less and less often',
    limit,
    async (t) => {
      const rig = await rigOf(t, ['closed', 'closed', 'well'])
      const key = join(rig.dir, 'model.secret')
      await rig.burn('hold', azoth, 'its', 'laptop', 'is', 'away')
      const loop = loopOf(t, rig, 'AZOTH', '--count', '1')
      assert.match(await loop.said(/"rests"/), /it is held: its laptop is away/)
      writeFileSync(key, 'revoked')
      await rig.burn('resume', azoth)
      const pauses = [
        await loop.said(/no backend can work/),
        await loop.said(/no backend can work/),
        await loop.said(/no backend can work/),
      ]
      assert.deepEqual(
        pauses.map((line) => (JSON.parse(line) as { ms: number }).ms),
        [1000, 2000, 4000],
      )
      assert.deepEqual(comments(rig, 3), [], 'nothing was claimed')
      writeFileSync(key, secrets.model)
      assert.equal(await loop.ended, 0, loop.lines.join('\n'))
      assert.equal(rowOf(await loop.said(/"outcome"/)).outcome, 'change')
    },
  )

  test('a forge that is down is rested from as trouble, and work is taken when it is well again', limit, async (t) => {
    const rig = await rigOf(t, ['closed', 'closed', 'well'])
    rig.forge.trouble({ kind: 'status', status: 503 }, /^GET /, 6)
    const loop = loopOf(t, rig, 'AZOTH', '--count', '1')
    assert.match(await loop.said(/"rests"/), /503/)
    assert.equal(await loop.ended, 0, loop.lines.join('\n'))
    assert.equal(rowOf(await loop.said(/"outcome"/)).outcome, 'change')
  })

  test('a ledger that can not be written for a while ends no loop, and what it had then is given back', limit, async (t) => {
    const locks: DatabaseSync[] = []
    const rig = await rigOf(t, ['well'], {
      script: (messages, tools) => {
        // From its first answer on nothing can be recorded.
        if (locks.length === 0) {
          const other = new DatabaseSync(join(rig.dir, 'l.db'))
          locks.push(other)
          other.exec('begin immediate')
        }
        return brainOf(() => 'plain', { conflict: nothing, taken_branch: nothing })(messages, tools)
      },
    })
    const loop = processOf(t, rig, 'AZOTH', '--count', '1')
    assert.match(await loop.said(/"rests"/), /ledger/)
    locks[0]?.close()
    assert.equal((await loop.ended).code, 0, loop.lines.join('\n'))
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

  test('while a worker takes its issues itself, its pane is given nothing: no issue, no text, no name', limit, async (t) => {
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
    const dry = (await rig.burn('dispatch', '--json')).json<{ claimed: unknown[]; deliveries: unknown[] }>()
    assert.deepEqual([dry.claimed, dry.deliveries], [[], []])
    const sent = await rig.burn('send', 'AZOTH', 'hear me', '--wait', '1')
    assert.notEqual(sent.code, 0)
    assert.match(sent.out + sent.err, /it takes its issues itself/)
    assert.match((await rig.burn('christen')).out, /already +box\/W\/AZOTH +it takes its issues itself/)
    assert.match((await rig.burn('status')).out, /gets no texts: it takes its issues itself/)
    assert.match((await rig.burn('explain', 'app#2')).out, /it takes its issues itself/)
    loop.stop()
    await loop.ended
    const after = (await rig.burn('dispatch', '--json')).json<{ claimed: { issue: string }[] }>()
    assert.deepEqual(
      after.claimed.map(({ issue }) => issue),
      [`${repo}#1`, `${repo}#2`],
    )
    // What its pane has counts, also above a depth that was lowered.
    const spec = JSON.parse(readFileSync(rig.env['BURN_SPEC'] ?? '', 'utf8')) as object
    writeFileSync(rig.env['BURN_SPEC'] ?? '', JSON.stringify({ ...spec, dispatch: { depth: 1 } }))
    assert.equal((await rig.burn('issue', 'release', 'app#1', '--force')).code, 0)
    const full = loopOf(t, rig, 'AZOTH')
    assert.match(await full.said(/"rests"/), /all it may have at a time is taken \(depth 1\)/)
  })

  test('a pane can be a loop: burn christen starts it, and it knows whose pane it is', limit, async (t) => {
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
    const named = await rig.burn('christen')
    assert.equal(named.code, 0, named.out + named.err)
    assert.match(named.out, /named +box\/W\/AZOTH +it takes its issues itself/)
    await until('its issue has a change', () => rig.changes().has(3), 90_000)
    const screen = () => tmuxOn(socket, 'capture-pane', '-p', '-t', 'S:W')
    await until('it says so in its pane', () => /acme\/app#3 +change in/.test(screen()))
    assert.match(screen(), /box\/W\/AZOTH takes its issues itself, from acme\/app/)
    assert.doesNotMatch(screen(), /You are/, 'nothing was typed into it')
  })
})
