/** Moves panes and hides tmux servers while agents work. An agent that burn does not find must never count as dead. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Session } from '../../src/observe/session.ts'
import { openSession } from '../../src/cli/wire.ts'
import { attachArgv } from '../../src/operate/attach.ts'
import { captureWorker } from '../../src/operate/capture.ts'
import { christen } from '../../src/operate/christen.ts'
import { cycle } from '../../src/cycle/cycle.ts'
import { planBringDown, bringUp } from '../../src/operate/up-down.ts'
import { send } from '../../src/operate/send.ts'
import { status } from '../../src/observe/state.ts'
import { clock } from '../support/clock.ts'
import { standIn, until, writeIssues } from '../support/fleet.ts'
import { endProcess, endServer, tmuxOn } from '../support/tmux.ts'
import { openRig, type Rig } from './rig.ts'
import { said } from '../support/reasons.ts'

const working = resolve(import.meta.dirname, '../stand-ins/agent/working.mjs')
const issue = 'local/app#1'
const never = new AbortController().signal
const quiet = { parallel: 8, dryRun: false, hooks: false, fresh: false, onWithoutHooks: () => {}, onOutcome: () => {} }

/** Returns a spec with two workers for one issue. The second would get it if the first counted as dead. */
function small(dir: string): object {
  return {
    dispatch: { depth: 1, retry_after: 0.001 },
    forge: { kind: 'folder', path: dir },
    agent: { ...standIn(dir, '--turn', working), hooks: false },
    machines: { box: { windows: ['A', 'B'].map((name) => ({ name, names: [name === 'A' ? 'ONE' : 'TWO'], repos: ['app'] })) } },
  }
}

/** Runs `work` with a new session, which knows only the spec and the ledger, as in a new process. */
async function fresh<T>({ fleet }: Rig, work: (session: Session) => Promise<T>, notices: string[] = []): Promise<T> {
  const notify = ({ text }: { text: string }) => void notices.push(text)
  const wiring = { clock, env: {}, home: join(fleet.dir, 'home'), cwd: fleet.dir, notify }
  const open = await openSession({ spec: join(fleet.dir, 'fleet-spec.json') }, wiring)
  try {
    return await work(open.session)
  } finally {
    await open.close()
  }
}

const workersOf = ({ fleet }: Session) => fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
const states = async (rig: Rig) => (await rig.dispatches(issue)).map(({ state, worker }) => `${state} ${worker}`)
const stateOf = async (session: Session, name = 'ONE') => {
  const report = await status(session.fleet.machines, session)
  const found = report.machines[0]?.windows.flatMap(({ workers }) => workers).find(({ id }) => id.endsWith(`/${name}`))
  return { state: found?.state, evidence: found?.evidence, machine: report.machines[0] }
}
const paneOf = ({ fleet }: Rig, name: string) =>
  tmuxOn(fleet.socket, 'list-panes', '-a', '-F', '#{pane_id} #{pane_pid} #{@burn_worker}')
    .split('\n')
    .map((row) => row.split(' '))
    .find(([, , worker]) => worker?.endsWith(`/${name}`)) ?? []

/** Checks that no command assigns the issue to a second agent, in an old session and in new ones. Returns the notes of `up`. */
async function keepsIssue(rig: Rig, what: string): Promise<string> {
  for (const { settled, claimed } of [await rig.cycle(), await fresh(rig, (s) => cycle(s.fleet.machines, s, never))])
    assert.deepEqual([...settled, ...claimed], [], what)
  const [raised] = await fresh(rig, async (s) => {
    const up = await bringUp(s.fleet.machines, s, { dryRun: false, prune: true })
    await christen(workersOf(s), s, never, quiet)
    await cycle(s.fleet.machines, s, never)
    return up
  })
  assert.deepEqual(await states(rig), ['handed box/A/ONE'], what)
  assert.equal(rig.received(issue), 1, what)
  return raised?.notes.join('\n') ?? ''
}

async function atWork(t: TestContext): Promise<Rig> {
  const rig = await openRig(t, small)
  writeIssues(rig.fleet.dir, 'app', [{ title: 'one', body: '' }])
  await rig.start()
  await rig.cycle()
  assert.deepEqual(await states(rig), ['handed box/A/ONE'])
  return rig
}

test('whereabouts: an agent whose pane was moved keeps its issue', async (t) => {
  const rig = await atWork(t)
  const { socket } = rig.fleet
  const tmux = (...words: string[]) => tmuxOn(socket, ...words)
  const [pane = '', pid] = paneOf(rig, 'ONE')
  const [incarnation] = (await rig.dispatches(issue)).map((dispatch) => dispatch.incarnation)
  tmux('new-session', '-d', '-s', 'MINE', '-x', '200', '-y', '50', 'cat')
  const operations: Readonly<Record<string, () => unknown>> = {
    'rename-session': () => tmux('rename-session', '-t', '=T', 'RENAMED'),
    'rename-session back': () => tmux('rename-session', '-t', '=RENAMED', 'T'),
    'move-window': () => tmux('move-window', '-d', '-s', '=T:=A', '-t', '=MINE:'),
    'swap-pane': () => tmux('swap-pane', '-d', '-s', pane, '-t', paneOf(rig, 'TWO')[0] ?? ''),
    'break-pane': () => (tmux('split-window', '-d', '-t', pane, 'cat'), tmux('break-pane', '-d', '-s', pane, '-t', '=T:')),
    'join-pane': () => tmux('join-pane', '-d', '-s', pane, '-t', '=MINE:0'),
    'new-session -t, kill-session': () => (tmux('new-session', '-d', '-t', '=T'), tmux('kill-session', '-t', '=T')),
  }
  const notes = new Map<string, string>()
  for (const [what, operate] of Object.entries(operations)) {
    operate()
    notes.set(what, await keepsIssue(rig, what))
    assert.deepEqual(paneOf(rig, 'ONE').slice(0, 2), [pane, pid], what)
    assert.equal(
      tmux('list-panes', '-a', '-f', '#{@burn_worker}', '-F', '#{pane_id}').trim().split('\n').toSorted().join(' '),
      '%0 %1',
      what,
    )
    await fresh(rig, async (s) => {
      await until(`${what}: it is seen at work`, async () => (await stateOf(s)).state === 'working')
      assert.match((await captureWorker(workersOf(s)[0] ?? assert.fail(), s, { lines: 0, ansi: false })).join('\n'), /❯/)
    })
  }
  assert.equal((await rig.dispatches(issue))[0]?.incarnation, incarnation)
  assert.equal(notes.get('rename-session'), "there is no session T: the fleet's panes are in session RENAMED, and burn uses them there")
  assert.equal(notes.get('rename-session back'), '')
  assert.equal(notes.get('move-window'), '1 pane of the fleet is in another session of the same tmux server, and burn uses it there')
  const argv = await fresh(rig, (s) => attachArgv(s.fleet.machines[0] ?? assert.fail(), { worker: 'box/A/ONE' }, Infinity, s))
  assert.match(argv.join(' '), new RegExp(`attach-session -t \\$\\d+: ; select-window -t @\\d+ ; select-pane -t ${pane} `))
  assert.equal((await fresh(rig, (s) => planBringDown(s.fleet.machines, s)))[0]?.end.length, 2)
  const to = workersOf(rig.session).find(({ name }) => name === 'TWO') ?? assert.fail()
  const [sent] = await fresh(rig, (s) => send([{ worker: to, text: 'hello there' }], s, never, { timeout: 5_000 }))
  assert.equal(sent?.state, 'seen', said(sent?.evidence))

  process.kill(Number(pid), 'SIGKILL')
  await fresh(rig, (s) =>
    until('it is lost', async () => (await cycle(s.fleet.machines, s, never)).settled.some(({ state }) => state === 'lost')),
  )
  await until('it is assigned again', async () => (await rig.cycle(), rig.received(issue) === 2))
  assert.deepEqual((await states(rig)).toSorted(), ['handed box/B/TWO', 'lost box/A/ONE'])
})

test('whereabouts: finds live and dead agents behind a lost socket', async (t) => {
  const rig = await atWork(t)
  const { socket, dir } = rig.fleet
  const path = tmuxOn(socket, 'display-message', '-p', '#{socket_path}').trim()
  const server = tmuxOn(socket, 'display-message', '-p', '#{pid}').trim()
  t.after(() => endProcess(Number(server)))
  const pid = paneOf(rig, 'ONE')[1] ?? ''
  const hidden = async (what: string, reason: string, remedy: RegExp) => {
    const { state, machine } = await fresh(rig, stateOf)
    assert.equal(state, 'unreachable', what)
    assert.equal(machine?.reachable, false, what)
    assert.ok(machine?.reason?.includes(`no tmux server at ${reason}`), `${what}: ${machine?.reason}`)
    assert.match(machine?.reason ?? '', new RegExp(`2 agents still run \\(processes .*${pid}`), what)
    assert.match(machine?.remedy ?? '', remedy, what)
    const [raised] = await fresh(rig, (s) => bringUp(s.fleet.machines, s, { dryRun: false, prune: false }))
    assert.match(raised?.error ?? '', /agents still run/, what)
    assert.match(raised?.hint ?? '', remedy, what)
  }
  // This process now looks for the server elsewhere, as burn does without the TMUX_TMPDIR of the shell that ran `up`.
  const elsewhere = join(dir, 'elsewhere')
  mkdirSync(elsewhere)
  const before = process.env['TMUX_TMPDIR']
  const restore = () => {
    if (before === undefined) delete process.env['TMUX_TMPDIR']
    else process.env['TMUX_TMPDIR'] = before
  }
  t.after(restore)
  process.env['TMUX_TMPDIR'] = elsewhere
  t.after(() => ((process.env['TMUX_TMPDIR'] = elsewhere), endServer(socket), restore()))
  await keepsIssue(rig, 'TMUX_TMPDIR')
  await hidden('TMUX_TMPDIR', `${elsewhere}/`, new RegExp(`the tmux server of these agents uses ${path}\\. Run burn with TMUX_TMPDIR=`))
  // A second server there has a session of the same name.
  tmuxOn(socket, 'new-session', '-d', '-s', 'T', 'cat')
  await keepsIssue(rig, 'a second server')
  const second = await fresh(rig, stateOf)
  assert.equal(second.state, 'unreachable')
  assert.match(second.evidence ?? '', new RegExp(`the worker's agent runs as process ${pid}, but in no pane`))
  endServer(socket)
  restore()

  await keepsIssue(rig, 'all as before')
  rmSync(path)
  await keepsIssue(rig, 'the socket removed')
  await hidden('the socket removed', path, new RegExp(`kill -USR1 ${server}$`))

  process.kill(Number(pid), 'SIGKILL')
  await fresh(rig, (s) =>
    until('it is lost', async () => (await cycle(s.fleet.machines, s, never)).settled.some(({ state }) => state === 'lost')),
  )
  process.kill(Number(server), 'SIGUSR1')
  await until('its socket is back', async () => (await fresh(rig, stateOf)).machine?.reachable === true)
  await until('it is assigned again', async () => (await rig.cycle(), rig.received(issue) === 2))
  assert.deepEqual((await states(rig)).toSorted(), ['handed box/B/TWO', 'lost box/A/ONE'])
})

test("whereabouts: up adds no pane to a person's window", async (t) => {
  const rig = await openRig(t, (dir) => ({
    ...small(dir),
    machines: { box: { windows: [{ name: 'A', names: ['ONE', 'TWO'], repos: ['app'] }] } },
  }))
  const { socket } = rig.fleet
  const up = () => fresh(rig, (s) => bringUp(s.fleet.machines, s, { dryRun: false, prune: false }))
  await up()
  tmuxOn(socket, 'new-session', '-d', '-s', 'MINE', '-n', 'A', '-x', '200', '-y', '50', 'cat')
  tmuxOn(socket, 'join-pane', '-d', '-s', paneOf(rig, 'ONE')[0] ?? '', '-t', '=MINE:')
  tmuxOn(socket, 'kill-session', '-t', '=T')
  const [raised] = await up()
  assert.deepEqual(
    raised?.actions.map(({ do: what, ...action }) => [
      what,
      'window' in action && action.window,
      'workers' in action && action.workers.length,
    ]),
    [['create_window', 'A', 1]],
  )
  const rows = tmuxOn(socket, 'list-panes', '-a', '-F', '#{session_name} #{window_id} #{@burn_worker}').trim().split('\n')
  assert.deepEqual(rows.toSorted(), ['MINE @1 ', 'MINE @1 box/A/ONE', 'MINE @2 box/A/TWO'])
  assert.deepEqual((await up())[0]?.actions, [])
})
