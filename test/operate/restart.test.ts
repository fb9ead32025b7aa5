/** `burn restart`, `burn christen` after a kill, and `burn worker interrupt`, with stand-ins that imitate Hermes on a real tmux server. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { jsonLines } from '../support/json-lines.ts'
import { standIn, testFleet, until, type Fleet } from '../support/fleet.ts'
import { tmuxOn } from '../support/tmux.ts'

interface Row {
  readonly id: string
  readonly outcome: string
  readonly why: string
  readonly continues: readonly string[]
  readonly left: readonly string[]
}

/** Makes and raises a fleet of one stand-in for Hermes, and gives it an issue. */
async function fleetAtWork(t: Pick<TestContext, 'after'>, ...flags: readonly string[]) {
  const specOf = (dir: string, socket: string, model: string) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: { ...standIn(dir, ...flags), model },
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], panes: 1, repos: ['app'] }] } },
  })
  const fleet = testFleet(t, (dir, socket) => specOf(dir, socket, 'big'))
  const { dir, socket, burn } = fleet
  for (const folder of ['home/.hermes', 'issues/app']) mkdirSync(join(dir, folder), { recursive: true })
  writeFileSync(join(dir, 'home/.hermes/config.yaml'), 'model: { default: m }\n')
  writeFileSync(join(dir, 'issues/app/1.md'), '---\ntitle: do it\nauthor: me\n---\nplease\n')
  for (const words of [['up'], ['christen'], ['dispatch']]) assert.equal((await burn(...words)).code, 0)
  return { ...fleet, changeModel: (model: string) => fleet.writeSpec(specOf(dir, socket, model)) }
}

/** Returns the words with which each agent was started, oldest first. */
function startsOf({ dir }: Fleet): (readonly string[])[] {
  const starts = readdirSync(join(dir, 'agents')).flatMap((name) =>
    jsonLines<{ readonly at: number; readonly event: string; readonly argv: readonly string[] }>(join(dir, 'agents', name)),
  )
  return starts
    .filter(({ event }) => event === 'start')
    .toSorted((a, b) => a.at - b.at)
    .map(({ argv }) => argv)
}

/** Returns the state of the worker, as `burn status` shows it. */
async function stateOf({ burn }: Fleet): Promise<string> {
  return /"id":"box\/W\/ANN"[^}]*?"state":"(\w+)"/.exec((await burn('status', '--json')).out)?.[1] ?? ''
}

const rowsOf = ({ out }: { readonly out: string }) => (JSON.parse(out) as { readonly workers: readonly Row[] }).workers
const received = (fleet: Fleet, text: string) => fleet.received().filter((each) => each.text.includes(text)).length
const pane = (socket: string, format: string) => tmuxOn(socket, 'display-message', '-p', '-t', '=F:W.0', format).trim()

test('restart: the new agent continues its issue with the present model', async (t) => {
  const fleet = await fleetAtWork(t, '--turn-ms', '300')
  const { dir, socket, burn } = fleet
  const isIdle = async () => (await stateOf(fleet)) === 'idle'
  await until('the turn has ended', isIdle)
  fleet.changeModel('small')
  assert.match((await burn('restart', 'ANNE')).err, /did you mean ANN/)
  assert.equal((await burn('restart', 'ANN', '--now', '--drain')).code, 2)
  tmuxOn(socket, 'send-keys', '-t', '=F:W.0', '-l', 'half a thought')
  await until('the draft is on the screen', () => pane(socket, '#{cursor_x}') !== '2')
  const refused = await burn('restart', 'ANN')
  assert.equal(refused.code, 3)
  assert.match(refused.out, /refused +box\/W\/ANN has a person's draft in its composer/)
  tmuxOn(socket, 'send-keys', '-t', '=F:W.0', 'C-u')
  const before = pane(socket, '#{pane_pid}')
  const { code, out, err } = await burn('restart', 'ANN', '--json')
  assert.equal(code, 0, err)
  const [row] = rowsOf({ out })
  assert.deepEqual([row?.outcome, row?.continues, row?.left], ['restarted', ['me/app#1'], []])
  assert.notEqual(pane(socket, '#{pane_pid}'), before)
  const [first = [], second = []] = startsOf(fleet)
  assert.deepEqual(
    [first.slice(-2), second.slice(-4, -1)],
    [
      ['-m', 'big'],
      ['-m', 'small', '--resume'],
    ],
  )
  await until('the agent has its name', isIdle)
  await burn('dispatch')
  await until('the agent is told to go on', () => received(fleet, 'Go on with me/app#1') === 1)

  // As after a reboot of the machine: the agent is gone, and burn did not end it.
  process.kill(Number(pane(socket, '#{pane_pid}')), 'SIGKILL')
  await until('the pane is dead', () => pane(socket, '#{pane_dead}') === '1')
  assert.equal((await burn('dispatch')).code, 0)
  assert.match((await burn('status')).out, /1 live dispatch/, 'the dispatch is not lost yet')
  assert.match((await burn('christen')).out, /conversation \S+ goes on/)
  await until('the agent has its name again', isIdle)
  await burn('dispatch')
  await until('the agent is told again to go on', () => received(fleet, 'Go on with me/app#1') === 2)
  await until('the turn has ended', isIdle)

  // The session is gone: the stand-in does not find it, so burn starts another agent, and the next cycle gives the issue up.
  rmSync(join(dir, 'home/.hermes/profiles/burn-f-w-ann/sessions'), { recursive: true })
  const gone = rowsOf(await burn('restart', 'ANN', '--json'))[0]
  assert.match(gone?.why ?? '', /did not find the conversation/)
  assert.deepEqual([gone?.outcome, gone?.continues, gone?.left], ['restarted', [], ['me/app#1']])
  assert.equal(startsOf(fleet).at(-1)?.includes('--resume'), false)
  assert.match((await burn('dispatch', '--json')).out, /"state":"lost"/)
  assert.equal((await burn('ledger', 'check')).code, 0)
})

test('interrupt and restart --now: end a running turn', async (t) => {
  const fleet = await fleetAtWork(t, '--turn', join(import.meta.dirname, '../stand-ins/agent/working.mjs'))
  const { socket, burn } = fleet
  const isWorking = async () => (await stateOf(fleet)) === 'working'
  await until('the turn runs', isWorking)
  const [row] = rowsOf(await burn('restart', 'ANN', '--timeout', '1s', '--json'))
  assert.deepEqual([row?.outcome, row?.why], ['refused', 'is working; burn stopped waiting'])
  const stopped = await burn('worker', 'interrupt', 'ANN')
  assert.equal(stopped.code, 0, stopped.err)
  assert.match(stopped.out, /box\/W\/ANN stopped: it is idle/)
  const again = await burn('worker', 'interrupt', 'ANN')
  assert.deepEqual([again.code, /box\/W\/ANN is not working: it is idle/.test(again.err)], [3, true])
  assert.equal(pane(socket, '#{cursor_x}'), '2', 'the composer is empty')
  assert.equal((await burn('send', 'ANN', 'You have one issue to work on: go on')).code, 0)
  await until('the turn runs', isWorking)
  const now = await burn('restart', 'ANN', '--now', '--fresh')
  assert.equal(now.code, 0, now.err)
  assert.match(now.out, /new conversation: a person asked for a new conversation\n +does not continue me\/app#1/)
  assert.equal(startsOf(fleet).length, 2)
})
