/** `burn send`, `answer`, `watch` and `capture` with stand-in agents in real panes. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { standIn, testFleet, until, writeIssues, type Fleet } from '../support/fleet.ts'
import { endServer } from '../support/tmux.ts'
import { pressKeys } from './watch-keys.ts'
import { execFileSync } from 'node:child_process'

interface Sent {
  readonly sent: readonly { readonly worker: string; readonly state: string; readonly evidence: string }[]
}
interface Status {
  readonly machines: readonly {
    readonly windows: readonly { readonly workers: readonly { readonly id: string; readonly state: string; readonly evidence: string }[] }[]
  }[]
}

/** Starts two agents in panes. `flags`: options of the stand-in agent. */
async function startedFleet(t: Parameters<typeof testFleet>[0], ...flags: readonly string[]): Promise<Fleet> {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: { ...standIn(dir, '--turn-ms', '200', ...flags), hooks: false },
    machines: { box: { windows: [{ name: 'W', lane: 'bugs', panes: 2, names: ['ANN', 'BEN'], repos: ['app'] }] } },
  }))
  mkdirSync(join(fleet.dir, 'issues/app'), { recursive: true })
  await fleet.burn('up')
  await fleet.burn('christen')
  return fleet
}

const tmux = (fleet: Fleet, ...words: readonly string[]) => execFileSync('tmux', ['-u', '-L', fleet.socket, ...words], { encoding: 'utf8' })
const paneOf = (fleet: Fleet, worker: string) =>
  tmux(fleet, 'list-panes', '-s', '-F', '#{pane_id} #{@burn_worker}')
    .split('\n')
    .find((row) => row.endsWith(` box/W/${worker}`))
    ?.split(' ')[0] ?? ''
const stateOf = async (fleet: Fleet, worker: string) =>
  (await fleet.burn('status', '--json')).json<Status>().machines[0]!.windows[0]!.workers.find(({ id }) => id === `box/W/${worker}`)!

test('send: each worker gets a text once; drafts are kept', async (t) => {
  const fleet = await startedFleet(t)
  const before = fleet.received().length
  const one = await fleet.burn('send', 'ANN', 'first $(touch x) `y` "z"', '--json')
  assert.deepEqual(
    one.json<Sent>().sent.map(({ worker, state }) => [worker, state]),
    [['box/W/ANN', 'seen']],
    one.err,
  )
  const lane = await fleet.burn('send', 'bugs', 'second', '--json')
  assert.deepEqual(
    lane.json<Sent>().sent.map(({ state }) => state),
    ['seen', 'seen'],
  )
  const texts = fleet
    .received()
    .slice(before)
    .map(({ text }) => text)
  assert.equal(fleet.received().filter(({ text }) => text.includes('first $(touch x) `y` "z"')).length, 1)
  assert.equal(fleet.received().filter(({ text }) => text.includes('second')).length, 2)
  assert.equal(fleet.received().length, before + 3, texts.join('\n'))
  const dry = await fleet.burn('send', 'all', 'third', '--dry-run')
  assert.match(dry.out, /^Would send 5 bytes to 2 workers: box\/W\/ANN, box\/W\/BEN/)
  assert.equal(fleet.received().length, before + 3)
  await refusals(fleet)
})

/** Checks that a draft is kept, that an unknown name gets a suggestion, and that an empty text is refused. */
async function refusals(fleet: Fleet): Promise<void> {
  tmux(fleet, 'send-keys', '-t', paneOf(fleet, 'ANN'), '-l', 'half a thought')
  await until('the draft shows', () => tmux(fleet, 'capture-pane', '-p', '-t', paneOf(fleet, 'ANN')).includes('half a thought'))
  const kept = await fleet.burn('send', 'ANN', 'over it', '--wait', '1', '--json')
  assert.equal(kept.code, 1)
  assert.deepEqual(
    kept.json<Sent>().sent.map(({ state, evidence }) => [state, evidence]),
    [['refused', 'withdrawn, because the sender stopped waiting: a draft is in the composer']],
  )
  assert.match(tmux(fleet, 'capture-pane', '-p', '-t', paneOf(fleet, 'ANN')), /❯ half a thought/)
  const wrong = await fleet.burn('send', 'ANNE', 'hello')
  assert.equal(wrong.code, 2)
  assert.match(wrong.err, /did you mean ANN\?/)
  assert.equal((await fleet.burn('send', 'ANN', ' \u0007 ')).code, 2)
}

test('answer: shows the question, types nothing over it, and answers it', async (t) => {
  const fleet = await startedFleet(t, '--approve-every', '2')
  await fleet.burn('send', 'ANN', 'clean up')
  await until('it asks', async () => (await stateOf(fleet, 'ANN')).state === 'waiting')
  await dispatchWhileAsked(fleet)
  const refused = await fleet.burn('send', 'ANN', 'are you there?', '--wait', '1', '--json')
  assert.equal(refused.json<Sent>().sent[0]!.state, 'refused')
  const shown = await fleet.burn('answer', 'ANN', '--json')
  const { question, detail } = shown.json<{ question: string; detail: string }>()
  assert.equal(detail, 'approval')
  assert.match(question, /1\. Allow once\n.*2\. Allow for this session/)
  const none = await fleet.burn('answer', 'ANN', '9')
  assert.equal(none.code, 2)
  assert.match(none.err, /Allow once/)
  tmux(fleet, 'select-pane', '-d', '-t', paneOf(fleet, 'ANN'))
  assert.match((await fleet.burn('answer', 'ANN', 'deny')).err, /nothing was typed to box\/W\/ANN: input to the pane is disabled/)
  tmux(fleet, 'select-pane', '-e', '-t', paneOf(fleet, 'ANN'))
  assert.equal((await stateOf(fleet, 'ANN')).state, 'waiting', 'nothing was typed')
  const taken = await fleet.burn('answer', 'ANN', 'deny')
  assert.equal(taken.code, 0, taken.err)
  assert.match(taken.out, /accepted the answer/)
  const idle = await fleet.burn('answer', 'BEN')
  assert.equal(idle.code, 1)
  assert.match(idle.err, /asks no question: it is idle/)
  tmux(fleet, 'send-keys', '-t', paneOf(fleet, 'BEN'), 'clean up', 'Enter')
  await pressKeys(t, fleet)
  await captures(fleet)
})

/** Dispatches an issue to a worker that asks a question. The line names the issue and the remedy. */
async function dispatchWhileAsked(fleet: Fleet): Promise<void> {
  writeIssues(fleet.dir, 'app', [{ title: 'First', body: '1' }])
  await fleet.burn('hold', 'BEN')
  assert.match((await fleet.burn('dispatch')).out, /^me\/app#1: ANN waits for approval\. Run: burn answer ANN$/m)
  await fleet.burn('resume', 'BEN')
  assert.equal((await fleet.burn('issue', 'release', 'app#1', '--force')).code, 0)
}

/** Captures the pane with history, with colours and as JSON. */
async function captures(fleet: Fleet): Promise<void> {
  const plain = await fleet.burn('capture', 'ANN')
  assert.match(plain.out, /❯/)
  assert.ok(!plain.out.includes('\u001b'))
  const long = await fleet.burn('capture', 'ANN', '--lines', '100', '--json')
  assert.ok(long.json<{ rows: string[] }>().rows.length >= plain.out.trimEnd().split('\n').length)
  assert.equal((await fleet.burn('capture', 'ANN', '--ansi')).code, 0)
  endServer(fleet.socket)
  const gone = await fleet.burn('capture', 'ANN')
  assert.equal(gone.code, 1)
  assert.match(gone.err, /box (?:is unreachable|has no tmux se(?:rver|ssion))/)
}
