/**
 * A model provider that refuses the login of two agents, on a real tmux server. burn reads one agent by its hooks, and the other by its
 * screen.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cycle } from '../../src/cycle/cycle.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { withLeases } from '../../src/observe/session.ts'
import { status } from '../../src/observe/state.ts'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { shiftedSession } from '../support/shifted-session.ts'
import { jsonLines } from '../support/json-lines.ts'
import { said } from '../support/reasons.ts'

const stop = new AbortController().signal
const minute = 60_000

test('trouble: a worker without a login resumes after recovery', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    dispatch: { depth: 2 },
    agent: standIn(dir, '--turn-ms', '20', '--busy-mode', 'queue', '--trouble', join(dir, 'trouble')),
    machines: {
      box: {
        windows: [
          { name: 'HOOKS', names: ['ANN'], repos: ['app'] },
          { name: 'BARE', names: ['BEN'], repos: ['lib'], agent: { hooks: false, busy_input_mode: 'queue' } },
        ],
      },
    },
  }))
  const { dir } = fleet
  const home = join(dir, 'home')
  mkdirSync(join(home, '.hermes'))
  writeFileSync(join(home, '.hermes/config.yaml'), 'model: {default: m}\n')
  for (const repo of ['app', 'lib']) writeIssues(dir, repo, [{ title: 'First', body: 'x' }])
  const { session, advance } = await shiftedSession(t, fleet)
  const { machines } = session.fleet
  const runCycle = () => withLeases(session, () => cycle(machines, session, stop))
  const states = async () => (await status(machines, session)).machines[0]!.windows.flatMap((window) => window.workers)
  const seen = (state: string) => until(`both are ${state}`, async () => (await states()).every((worker) => worker.state === state))
  /** Counts the failed turns in the log of each agent. */
  const failures = () =>
    readdirSync(join(dir, 'agents')).map(
      (name) => jsonLines<{ outcome?: string }>(join(dir, 'agents', name)).filter(({ outcome }) => outcome === 'failed').length,
    )
  /**
   * Waits until this number of turns failed in each pane. The screen alone does not show which turn failed, and the hook writes its file a
   * moment after the screen changes.
   */
  const failed = (times: number) =>
    until(`both failed ${times} times`, async () => {
      if (!failures().every((count) => count === times)) return false
      const hooks = join(home, '.local/state/burn-fleet/f/box/hooks')
      const lines = existsSync(hooks) ? readdirSync(hooks).flatMap((name) => readFileSync(join(hooks, name), 'utf8').split('\n')) : []
      const [withHooks, withoutHooks] = await states()
      const hasReported =
        lines.filter((line) => line.includes('api_request_error')).length === times &&
        /hook api_request_error/.test(withHooks?.evidence ?? '')
      return hasReported && withHooks?.state === 'error' && withoutHooks?.state === 'error'
    })
  const countTexts = (text: string) => fleet.received().filter((prompt) => prompt.text.includes(text)).length

  for (const word of ['up', 'christen']) assert.equal((await fleet.burn(word)).code, 0, word)
  await seen('idle')
  writeFileSync(join(dir, 'trouble'), 'auth HTTP 401: Incorrect API key provided.')
  assert.equal((await runCycle()).claimed.length, 2)
  await failed(1)

  // Both workers get nothing new, and burn reports the reason everywhere.
  for (const repo of ['app', 'lib'])
    writeIssues(dir, repo, [
      { title: 'First', body: 'x' },
      { title: 'Second', body: 'y' },
    ])
  assert.equal((await runCycle()).claimed.length, 0)
  const [withHooks, withoutHooks] = await states()
  assert.match(withHooks?.evidence ?? '', /^HTTP 401: Incorrect API key provided\.; hook api_request_error /)
  assert.equal(withoutHooks?.evidence, 'HTTP 401: Incorrect API key provided.')
  for (const worker of [withHooks, withoutHooks]) {
    assert.equal(worker?.detail, 'auth')
    assert.match(said(worker?.stopped), /^in trouble \(auth\): HTTP 401: Incorrect API key .*; burn tries the worker again at /)
  }
  assert.match(
    (await session.ledger.repos()).map(({ wait_reason }) => said(wait_reason)).join('\n'),
    /cannot get work: burn sends nothing to this worker: in trouble \(auth\)/,
  )
  const findings = await doctor(machines, session, () => {})
  assert.match(findings.map(({ level, what }) => `${level} ${what}`).join('\n'), /fail 2 workers are in trouble \(auth\): .*HTTP 401/)

  // burn first resumes them while the login still fails, then with a valid login.
  // The clock moves once before each text: if it moved in each cycle, a slow machine would reach the time at which burn releases the issues.
  const resumed = (times: number) =>
    until(`burn resumed both ${times} times`, async () => {
      await runCycle()
      return countTexts('Go on with me/app#1') === times && countTexts('Go on with me/lib#1') === times
    })
  advance(6 * minute)
  await resumed(1)
  await failed(2)
  // This cycle records the second failure, because the text is old enough. The pause before the next text begins at that time.
  advance(10_000)
  await runCycle()
  rmSync(join(dir, 'trouble'))
  advance(11 * minute)
  await resumed(2)
  await seen('idle')
  assert.deepEqual([countTexts('Go on with me/app#1'), countTexts('Go on with me/lib#1')], [2, 2], 'one text for each failure')
  for (const repo of ['app', 'lib'])
    writeFileSync(join(dir, `issues/${repo}/1.md`), '---\ntitle: "First"\nauthor: "ann"\nstate: closed\n---\nx')
  advance(minute)
  await runCycle()
  const all = await session.ledger.dispatches({})
  const facts = all.map(({ issue, state, attempt }) => `${issue} ${state === 'done' ? 'done' : 'dispatched'} at attempt ${attempt}`)
  // Both workers take new work again.
  const expected = ['app', 'lib'].flatMap((repo) => [`me/${repo}#1 done at attempt 1`, `me/${repo}#2 dispatched at attempt 1`])
  assert.deepEqual(facts.toSorted(), expected)
})
