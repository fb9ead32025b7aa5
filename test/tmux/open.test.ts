/** Tests opening a machine, and snapshots of it, on real tmux servers. */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openTmux } from '../../src/tmux/open.ts'
import { capturePanes, captureMachine, snapshot } from '../../src/tmux/panes.ts'
import { clock } from '../support/clock.ts'
import { scratch, until } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'
import { machineOn, quiet, raised } from './conformance.ts'

/** Writes a program that takes the place of a machine's tmux. */
function program(t: TestContext, script: string): string {
  const path = join(scratch(t), 'tmux')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

test('openTmux: tells missing server, session and tmux apart', async (t) => {
  const socket = privateSocket(t)
  const codeOf = async (tmux: string, session = 'T') =>
    openTmux(machineOn(socket, { tmux, session }), { clock }).then(
      async (open) => (await open.close(), 'opened'),
      (thrown: { code: string }) => thrown.code,
    )
  assert.equal(await codeOf('tmux'), 'tmux_no_session')
  tmuxOn(socket, 'new-session', '-d', '-s', 'Tother', 'cat')
  assert.equal(await codeOf('tmux'), 'tmux_no_session', 'a longer name is another session')
  assert.equal(await codeOf('tmux', 'Tother'), 'opened')
  assert.equal(await codeOf('no-such-tmux'), 'tmux_missing')
  assert.equal(
    await codeOf(program(t, 'case "$1" in -V) echo tmux 3.1c;; *) echo "tmux: unknown option -- N" >&2; exit 1;; esac')),
    'tmux_too_old',
  )
  assert.equal(
    await codeOf(program(t, 'case "$1" in -V) echo tmux 3.4;; *) echo "something broke" >&2; exit 1;; esac')),
    'machine_unreachable',
  )
})

test('openTmux: a server that hangs survives our attempts to connect', async (t) => {
  const { machine } = await raised(t)
  const pid = Number(tmuxOn(machine.socket, 'display-message', '-p', '#{pid}'))
  process.kill(pid, 'SIGSTOP')
  try {
    const impatient = { ...clock, sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.min(ms, 150), signal) }
    for (let attempt = 0; attempt < 2; attempt++) await assert.rejects(openTmux(machine, { clock: impatient }), /no output for 20 s/)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  assert.equal(Number(tmuxOn(machine.socket, 'display-message', '-p', '#{pid}')), pid)
})

test('openTmux: uses one-shot processes if tmux refuses control mode', async (t) => {
  const { machine } = await raised(t)
  const tmux = await openTmux(
    { ...machine, tmux: program(t, 'for word; do [ "$word" = -C ] && { echo %exit; exit 0; }; done; exec tmux "$@"') },
    { clock },
  )
  assert.equal(tmux.constructor.name, 'OneShotTmux')
  assert.match(tmux.version, /^\d/)
  const { snapshot: seen, screens } = await captureMachine(tmux, machine)
  assert.equal(seen.state, 'up')
  assert.equal(screens.size, 1)
})

test('snapshot: titles, names and programs may contain anything', async (t) => {
  const { machine, tmux } = await raised(t)
  const title = '~ a;b "#{pane_id}" #[fg=red] $(id) 🜍 %begin 1 2 1'
  const [reply] = await tmux.run([
    [
      ['split-window', '-t', '=T:', 'sh', '-c', 'exec cat >/dev/null'],
      ['set-option', '-p', '-t', '=T:', '@burn_worker', 'box/A/Ä'],
      ['display-message', '-p', '-t', '=T:', '#{pane_id}'],
    ],
  ])
  const id = reply?.lines[0] ?? ''
  const script = `printf '\\033]2;%s\\007' "$1"; exec cat >/dev/null`
  await tmux.run([[['respawn-pane', '-k', '-t', id, 'sh', '-c', script, 'sh', title]], [['rename-window', '-t', '=T:', 'a b\tc~']]])
  await until('the title is set', async () => {
    const seen = await snapshot(tmux, machine)
    return seen.state === 'up' && seen.panes.find((pane) => pane.id === id)?.title === title
  })
  const seen = await snapshot(tmux, machine)
  assert.ok(seen.state === 'up')
  assert.equal(seen.panes.length, 2)
  assert.deepEqual(
    seen.panes.map(({ worker, made, in_mode, dead, keyed_at }) => [worker, made, in_mode, dead, keyed_at]),
    [
      [null, false, false, false, null],
      ['box/A/Ä', false, false, false, null],
    ],
  )
  assert.deepEqual(
    seen.windows.map(({ width, height }) => [width, height]),
    [[200, 50]],
  )
})

test('snapshot: shows exit status, tmux modes and keys of people', async (t) => {
  const { machine, tmux } = await raised(t)
  await tmux.run([
    [
      ['set-option', '-w', '-t', '=T:', 'remain-on-exit', 'on'],
      ...['exit 7', 'kill -9 $$', 'exit 7', 'kill -9 $$'].flatMap((end) => [
        ['split-window', '-t', '=T:', end],
        ['select-layout', '-t', '=T:', 'tiled'],
      ]),
      ['copy-mode', '-t', '=T:.0'],
    ],
  ])
  const person = privateSocket(t)
  tmuxOn(person, 'new-session', '-d', '-x', '100', '-y', '30', `env TMUX= tmux -L ${machine.socket} attach -t =T`)
  const panes = async () => {
    const seen = await snapshot(tmux, machine)
    return seen.state === 'up' ? seen.panes : []
  }
  await until('the snapshot shows everything', async () => {
    const [first, ...ended] = await panes()
    // tmux 3.3a under load loses the exit status of some panes, so each way of ending occurs twice.
    const [exited, killed] = [0, 1].map((odd) => ended.filter((_, index) => index % 2 === odd))
    return (
      first?.in_mode === true &&
      ended.every(({ dead }) => dead) &&
      exited?.some((pane) => pane.ended === 'with status 7') === true &&
      killed?.some((pane) => pane.ended === 'by signal 9') === true &&
      ended.at(-1)?.keyed_at !== null
    )
  })
  assert.equal((await panes())[0]?.keyed_at, null, 'the key went to the active pane')
})

test('captureMachine: has every screen; capturePanes skips missing panes', async (t) => {
  const { machine, tmux } = await raised(t)
  await tmux.run(
    Array.from({ length: 6 }, (_, i) => [
      ['split-window', '-t', '=T:', 'sh', '-c', `printf 'pane ${i}\\n'; exec cat >/dev/null`],
      ['select-layout', '-t', '=T:', 'tiled'],
    ]),
  )
  await until('each pane shows its text', async () => {
    const { screens } = await captureMachine(tmux, machine)
    return Array.from({ length: 6 }, (_, i) => [...screens.values()].some(([row]) => row === `pane ${i}`)).every(Boolean)
  })
  const { snapshot: seen, screens } = await captureMachine(tmux, machine)
  assert.ok(seen.state === 'up')
  assert.ok(
    seen.panes.every(({ title }) => title === ''),
    "the host's name is not a title",
  )
  assert.deepEqual(
    [...screens].map(([id, rows]) => [id, rows.length]),
    seen.panes.map(({ id, height }) => [id, height]),
  )
  const captured = await capturePanes(tmux, [...seen.panes.map(({ id }) => id), '%999'])
  assert.deepEqual(captured, screens)
})

test('openTmux: limits the size of a reply and the pending commands', async (t) => {
  const { machine } = await raised(t)
  // The lines are long, because it takes much CPU to split the same size into short ones.
  const endless = program(
    t,
    'case "$*" in -V) echo tmux 3.4;; *list-sessions*) ;; *) echo "%begin 1 1 1"; exec yes "$(printf %01000d 0)";; esac',
  )
  await assert.rejects(openTmux({ ...machine, tmux: endless }, { clock }), /tmux answered with more than 64 MB/)
  const tmux = await openTmux(machine, { clock })
  t.after(() => tmux.close())
  const many = Array.from({ length: 20_001 }, () => [['display-message', '-p', 'x']])
  await assert.rejects(tmux.run(many), /20000 commands wait for a reply of tmux/)
  assert.equal((await tmux.run(many.slice(0, 20))).length, 20, 'the channel still works')
})

test("openTmux: refuses another machine's server", async (t) => {
  const { machine } = await raised(t)
  await assert.rejects(openTmux({ ...machine, name: 'other' }, { clock, create: quiet }), /belongs to the machine "box"/)
})
