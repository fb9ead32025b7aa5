/** Attaches a real terminal of 200×50 to a larger tmux window. It must show whole panes, and change nothing for the agents. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { command, standIn, testFleet, until, type Fleet } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

const person = { width: 200, height: 50 }

interface Box {
  readonly worker: string
  readonly id: string
  readonly width: number
  readonly height: number
}

function spec(dir: string, socket: string, transport: object = {}): object {
  const windows = [
    { name: 'A', panes: 9, repos: ['app'] },
    { name: 'B', names: ['ODIN'], panes: 1, repos: ['app'] },
  ]
  const forge = { kind: 'folder', path: dir }
  return {
    name: 't',
    session: 'T',
    socket,
    dir: join(dir, 'w'),
    forge,
    ledger: `sqlite:${dir}/l.db`,
    agent: standIn(dir),
    machines: { box: { ...transport, windows } },
  }
}

function panesOf(fleet: Fleet): Box[] {
  const rows = tmuxOn(fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{@burn_worker} #{pane_id} #{pane_width} #{pane_height}')
  return rows
    .trim()
    .split('\n')
    .map((row) => row.split(' '))
    .map(([worker = '', id = '', width, height]) => ({ worker, id, width: Number(width), height: Number(height) }))
}

/** Writes a mark into the first and the last cells of each pane. */
function markCorners(fleet: Fleet, boxes: readonly Box[]): void {
  const commands = boxes.flatMap(({ id, width, height }) => {
    const [first, last] = [`<${id}`, `${id}>`]
    // A character in the last cell of a line does not wrap: the cursor stays there.
    const text = `\\033[2J\\033[1;1H${first}\\033[${height};${width - last.length + 1}H${last}`
    return ['respawn-pane', '-k', '-t', id, `printf '${text.replaceAll('%', '%%')}'; exec cat >/dev/null`, ';']
  })
  tmuxOn(fleet.socket, ...commands)
}

/** Attaches a terminal with a shell command. Returns a function that captures its screen. */
function attachWith(t: TestContext, command: string, { width: columns, height: rows } = person): () => string[] {
  const socket = privateSocket(t)
  const [width, height] = [String(columns), String(rows)]
  const keep = ['set-option', '-g', 'remain-on-exit', 'on']
  tmuxOn(socket, '-f', '/dev/null', 'new-session', '-d', '-x', width, '-y', height, command, ';', ...keep)
  return () => tmuxOn(socket, 'capture-pane', '-p', '-t', ':').split('\n')
}

/** Waits until the terminal shows the whole pane. */
async function seesWhole(show: () => string[], box: Box): Promise<void> {
  let shown: string[] = []
  const whole = () => {
    shown = show()
    const top = shown.findIndex((row) => row.includes(`<${box.id}`))
    const left = shown[top]?.indexOf(`<${box.id}`) ?? -1
    return top >= 0 && shown[top + box.height - 1]?.slice(left, left + box.width).endsWith(`${box.id}>`) === true
  }
  await until(`${box.worker} is in view`, whole).catch((thrown: unknown) => {
    throw new Error(`${String(thrown)}\n${shown.join('\n')}`)
  })
}

const quote = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')

test('attach: shows whole panes from inside tmux, and resizes none', async (t) => {
  const fleet = testFleet(t, (dir, socket) => spec(dir, socket))
  await fleet.burn('up')
  const before = panesOf(fleet)
  assert.equal(before.length, 10)
  markCorners(fleet, before)
  const corners = [before[0], before[4], before[8]].filter((box) => box !== undefined)
  for (const box of corners) {
    const env = [`BURN_SPEC=${fleet.dir}/fleet-spec.json`, `HOME=${fleet.dir}/home`]
    await seesWhole(attachWith(t, quote(['env', ...env, process.execPath, command, 'attach', box.worker])), box)
    assert.equal(tmuxOn(fleet.socket, 'display-message', '-p', '-t', '=T:', '#{pane_id}').trim(), box.id)
  }
  const last = before[8] ?? assert.fail()
  tmuxOn(fleet.socket, 'respawn-pane', '-k', '-t', last.id, `printf '\\033[2J\\033[${last.height - 1};1H> composer'; exec cat >/dev/null`)
  const env = [`BURN_SPEC=${fleet.dir}/fleet-spec.json`, `HOME=${fleet.dir}/home`]
  const small = attachWith(t, quote(['env', ...env, process.execPath, command, 'attach', last.worker]), { width: 40, height: 8 })
  await until('a small terminal shows the composer', () => small().some((row) => row.startsWith('> composer')))
  assert.deepEqual(panesOf(fleet), before)
})

test('attach: the printed command works over ssh, and windows have names', async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('no sshd on this machine')
  const { host, port, options } = sshd
  const fleet = testFleet(t, (dir, socket) => spec(dir, socket, { host, ssh: { port, options } }))
  assert.equal((await fleet.burn('up')).code, 0)
  const before = panesOf(fleet)
  markCorners(fleet, before)
  const last = before[8] as Box
  for (const [name, box] of [[last.worker, last] as const, ['B', before[9] as Box] as const]) {
    const { out } = await fleet.burn('attach', name, '--print')
    assert.match(out, /^ssh -t /)
    await seesWhole(attachWith(t, out.trim()), box)
  }
  assert.deepEqual(panesOf(fleet), before)
})

test('attach: works for a terminal that the machine does not know', async (t) => {
  const fleet = testFleet(t, (dir, socket) => spec(dir, socket))
  await fleet.burn('up')
  const [box] = panesOf(fleet)
  assert.ok(box)
  markCorners(fleet, [box])
  const { out } = await fleet.burn('attach', box.worker, '--print')
  await seesWhole(attachWith(t, `TERM=xterm-of-nobody ${out.trim()}`), box)
})

test('attach: refuses an ambiguous window, and needs a terminal', async (t) => {
  const fleet = testFleet(t, (dir, socket) => {
    const windows = [{ name: 'A', panes: 1, repos: ['app'] }]
    return { ...spec(dir, socket), machines: { box: { windows }, other: { socket: `${socket}-other`, windows } } }
  })
  const twice = await fleet.burn('attach', 'A', '--print')
  assert.equal(twice.code, 2)
  assert.match(twice.err, /box\/A, other\/A/)
  await fleet.burn('up', 'box')
  assert.match((await fleet.burn('attach', 'box/A', '--print')).out, /attach-session/)
  const noTerminal = await fleet.burn('attach', 'box/A')
  assert.equal(noTerminal.code, 2)
  assert.match(noTerminal.err, /--print/)
})
