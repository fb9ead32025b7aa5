/** A model provider that limits an account of two agents, on a real tmux server. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cycle } from '../../src/cycle/cycle.ts'
import { withLeases } from '../../src/observe/session.ts'
import { status } from '../../src/observe/state.ts'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { shiftedSession } from '../support/shifted-session.ts'
import { said } from '../support/reasons.ts'

const stop = new AbortController().signal
const minute = 60_000

test('limits: an account rests until its reset, then its agent continues', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    dispatch: { depth: 1, idle_timeout: '4h' },
    agent: standIn(dir, '--turn-ms', '20', '--trouble', join(dir, 'trouble')),
    machines: {
      box: {
        windows: [
          { name: 'A', names: ['ANN'], repos: ['app'] },
          { name: 'B', names: ['BEN'], repos: ['lib'] },
          { name: 'C', names: ['CAT'], repos: ['doc'] },
        ],
      },
    },
    accounts: { max: { workers: ['A', 'BEN'] } },
  }))
  const { dir } = fleet
  const home = join(dir, 'home')
  mkdirSync(join(home, '.hermes'))
  writeFileSync(join(home, '.hermes/config.yaml'), 'model: {default: m}\n')
  writeIssues(dir, 'app', [{ title: 'First', body: 'x' }])
  const { session, advance } = await shiftedSession(t, fleet)
  const { machines } = session.fleet
  const runCycle = () => withLeases(session, () => cycle(machines, session, stop))
  const workers = async () => (await status(machines, session)).machines[0]!.windows.flatMap((window) => window.workers)
  const stateOf = async (index: number) => (await workers())[index]?.state
  const texts = (text: string) => fleet.received().filter((prompt) => prompt.text.includes(text)).length
  const kinds = async () => (await session.ledger.events({ subject: 'max' })).map(({ kind }) => kind)

  for (const word of ['up', 'christen']) assert.equal((await fleet.burn(word)).code, 0, word)
  await until('all are idle', async () => (await workers()).every(({ state }) => state === 'idle'))
  writeFileSync(join(dir, 'trouble'), 'rate_limit HTTP 429: You have reached your usage limit. Try again in 2h.')
  assert.equal((await runCycle()).claimed.length, 1)
  await until('the account of ANN is held', async () => {
    await runCycle()
    return (await workers())[0]?.evidence.includes('Try again in 2h') === true && (await kinds()).includes('account.held')
  })

  // The whole account gets nothing, and a worker without an account gets work.
  for (const repo of ['lib', 'doc']) writeIssues(dir, repo, [{ title: 'First', body: 'x' }])
  assert.deepEqual(
    (await runCycle()).claimed.map(({ worker }) => worker),
    ['box/C/CAT'],
  )
  const [ann, ben] = await workers()
  assert.match(`${ann?.hold}`, /^box\/A\/ANN reached the usage limit: HTTP 429: .* \(account max, until /)
  assert.equal(ben?.hold, ann?.hold)
  const waits = (await session.ledger.repos()).map(({ wait_reason }) => said(wait_reason)).join('\n')
  assert.match(waits, /held: box\/A\/ANN reached the usage limit/)
  advance(100 * minute)
  assert.deepEqual([(await runCycle()).claimed.length, texts('Go on with')], [0, 0])

  // After the reset the agent gets one text, with proof, and the other worker gets its issue.
  rmSync(join(dir, 'trouble'))
  advance(21 * minute)
  assert.deepEqual(
    (await runCycle()).claimed.map(({ worker }) => worker),
    ['box/B/BEN'],
  )
  await until('ANN continues', async () => {
    await runCycle()
    return texts('Go on with me/app#1') === 1 && (await stateOf(0)) === 'idle'
  })
  await runCycle()
  const resumes = (await session.ledger.deliveries({})).filter(({ kind, worker }) => kind === 'resume' && worker === 'box/A/ANN')
  assert.deepEqual(
    resumes.map(({ worker, state, proof }) => [worker, state, proof]),
    [['box/A/ANN', 'seen', 'text']],
  )
  assert.deepEqual(await kinds(), ['account.held', 'account.resumed'])
})
