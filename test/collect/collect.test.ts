/** Samples of real tmux panes with stand-in agents, and of a dispatcher. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { collectFleet, collectMachine } from '../../src/collect/collect.ts'
import { presentIssue } from '../../src/decide/present-issue.ts'
import { dispatch } from '../../src/cycle/loop.ts'
import { measuredNumbers } from '../../src/decide/telemetry-export.ts'
import { runJob } from '../../src/jobs/run.ts'
import { judgeHealth } from '../../src/decide/health.ts'
import { readHealthFacts } from '../../src/observe/health.ts'
import { status } from '../../src/observe/state.ts'
import { withCode } from '../ledger/fixtures.ts'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'
import { shiftedSession } from '../support/shifted-session.ts'

const minute = 60_000

test('collect: samples workers, the machine and a silent dispatcher', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: standIn(dir, '--ask-every', '2', '--busy-mode', 'queue'),
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], repos: ['app'] }] } },
  }))
  const { dir } = fleet
  writeIssues(dir, 'app', [{ title: 'First', body: 'x' }])
  const { session, advance } = await shiftedSession(t, fleet)
  const [box] = session.fleet.machines
  const stateOf = async () => (await status([box!], session)).machines[0]!.windows[0]!.workers[0]!.state
  const kinds = async () =>
    (
      await session.ledger.events({ after: '0.0', kinds: ['worker.recorded', 'worker.waiting', 'worker.cleared', 'dispatcher.*', 'job.*'] })
    ).map(({ kind }) => kind)

  const dispatcherStatus = async () => judgeHealth(await readHealthFacts(session)).find(({ rule }) => rule === 'dispatcher')?.status
  const openDispatchers = async () => (await session.ledger.openSpans()).filter(({ kind }) => kind === 'dispatcher')

  for (const word of ['up', 'christen']) assert.equal((await fleet.burn(word)).code, 0, word)
  await until('ANN is idle', async () => (await stateOf()) === 'idle')
  const socketPath = tmuxOn(fleet.socket, 'display-message', '-p', '#{socket_path}').trim()
  // A process that burn started for an agent and that no pane owns any more.
  const left = spawn('sleep', ['600'], {
    env: { ...process.env, BURN_WORKER: 'box/W/ANN', TMUX: `${socketPath},1,0` },
    stdio: 'ignore',
  })
  t.after(async () => {
    left.kill()
    await once(left, 'exit')
  })
  await collectMachine(box!, session)
  const [measure] = await session.ledger.measures({ since: 0 })
  assert.equal(measure?.subject, 'machine box')
  const { load, cores, memory_total = 0, memory_free = 0, disk_free = 0, agents_memory = 0, ...counts } = measure!.numbers
  assert.ok(load !== undefined && cores === Number(execFileSync('getconf', ['_NPROCESSORS_ONLN'], { encoding: 'utf8' })))
  assert.ok(memory_total > memory_free && memory_free > 0 && disk_free > 0)
  assert.ok(agents_memory > 10e6, 'the stand-in is a Node process')
  assert.equal(counts['leftovers'], 1)
  assert.ok(Math.abs(counts['clock_offset']!) <= 1000)

  const stop = new AbortController()
  await dispatch([box!], session, stop.signal, { cycles: 1, interval: minute, onCycle: () => {} })
  await until('ANN waits for an answer', async () => (await stateOf()) === 'waiting')
  await collectMachine(box!, session)
  advance(3 * minute)
  await collectMachine(box!, session)
  await collectMachine(box!, session)
  const spans = await session.ledger.spans({ kind: 'worker' })
  assert.deepEqual(
    spans.map(({ state, issue, ended_at }) => [state, issue, ended_at === null]),
    [
      ['idle', null, false],
      ['waiting', 'me/app#1', true],
    ],
  )
  assert.deepEqual(await kinds(), ['worker.recorded', 'worker.waiting'])

  // A dispatcher that is killed leaves its span open.
  const dispatcherOf = async (subject: string) => {
    const about = { kind: 'dispatcher' as const, subject, machine: null, state: 'running', issue: null, incarnation: null }
    const at = session.clock.now()
    const span = { ...about, began_at: at, seen_at: at, ended_at: null, detail: String(at + minute), evidence: '', reported: null }
    await session.ledger.saveSample({ spans: [span], measures: [], events: [] }, at)
  }
  const sampled = async (ms: number) => {
    advance(ms)
    await collectFleet(session)
    await collectFleet(session)
    return (await kinds()).slice(2)
  }
  await dispatcherOf('host:9')
  await runJob({ name: 'usage box', period: 5 * minute }, session, async () => {})
  assert.deepEqual(await sampled(15 * minute), [], 'a long cycle is no silence, and no missed job')
  assert.deepEqual(await sampled(2 * minute), ['dispatcher.silent'])
  assert.equal(await dispatcherStatus(), 'fail', 'a silent dispatcher is not a running one')
  // The dispatcher goes on, as after a suspension of its machine.
  await dispatch([box!], { ...session, owner: 'host:9' }, stop.signal, { cycles: 1, interval: minute, onCycle: () => {} })
  assert.deepEqual((await kinds()).slice(3), ['dispatcher.cleared'])
  assert.deepEqual(await openDispatchers(), [])
  await dispatcherOf('host:10')
  assert.deepEqual((await sampled(17 * minute)).slice(2), ['dispatcher.silent'])
  await dispatcherOf(session.owner)
  assert.deepEqual((await sampled(17 * minute)).slice(3), ['dispatcher.cleared'], 'another dispatcher began, and reports not itself')
  const reposAt = async (since: number) => (await session.ledger.measures({ subject: 'repo me/app', since })).map(({ numbers }) => numbers)
  assert.deepEqual(await reposAt(session.clock.now() - minute), [], 'burn has not read the forge lately')
  await dispatcherOf('host:11')
  await collectFleet(session)
  await collectFleet({ ...session, countCommits: async () => 12 })
  const taken = await session.ledger.measures({ since: 0 })
  assert.deepEqual((await reposAt(session.clock.now() - minute)).at(-1), { open: 1, ready: 0, in_review: 0, merged: 0, commits: 12 })
  assert.equal(taken.find(({ subject }) => subject.startsWith('repo '))?.numbers['commits'], undefined, 'there is no mirror')
  const names = new Set(taken.flatMap(({ numbers }) => Object.keys(numbers)))
  assert.deepEqual(
    [...names].filter((name) => !(name in measuredNumbers)),
    [],
    'docs/reference/telemetry.md has every number',
  )
  const ran = await fleet.burn('job', 'run', 'collect', '--json')
  assert.equal(ran.code, 0, ran.err)
  assert.match(ran.json<{ results: string[] }>().results.join('\n'), /^collect box: \d+ states?, 0 events\ncollect fleet: /)
  assert.equal((await fleet.burn('job', 'run', 'colect')).code, 2)
  const gone = await collectMachine({ ...box!, name: 'gone', transport: { kind: 'exec', argv: ['false'] } }, session)
  assert.equal(gone.answered, false, 'its states say unreachable')
  const newer = new DatabaseSync(`${fleet.dir}/l.db`)
  newer.exec('alter table repo rename to newer_repo')
  newer.close()
  const endless = dispatch([box!], session, stop.signal, { cycles: Infinity, interval: minute, onCycle: () => {} })
  await assert.rejects(endless, withCode('ledger_newer'), 'a dispatcher with older code ends')
})

test('presentIssue: an agent works on its prompts in order', () => {
  const dispatchOf = (number: number, state: 'handed' | 'review' | 'done') => ({
    id: '',
    change_url: 'u',
    issue: `o/a#${number}`,
    state,
    handed_at: number,
  })
  const two = [dispatchOf(1, 'handed'), dispatchOf(2, 'handed')]
  assert.equal(presentIssue(two, null), 'o/a#1')
  assert.equal(presentIssue(two, 'o/a#2'), 'o/a#2', 'the issue of the last sample stays')
  assert.equal(presentIssue([...two, dispatchOf(3, 'review')], 'o/a#1'), null, 'the third one is finished, so both are')
  for (const state of ['review', 'done'] as const)
    assert.equal(presentIssue([two[0]!, dispatchOf(2, state), dispatchOf(3, 'handed')], 'o/a#1'), 'o/a#3')
})
