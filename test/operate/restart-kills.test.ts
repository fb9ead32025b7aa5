/**
 * Stops a restart before or after a write to the ledger or an effect, and checks the state after another process completed it. This run tries
 * random boundaries and prints their seed. `BURN_KILL=all` tries every boundary (`npm run killed`); `BURN_KILL=5` tries number 5.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { OpenSession } from '../../src/cli/command.ts'
import type { TmuxCommand } from '../../src/core/ports.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { seeded } from '../../src/core/random.ts'
import { withProcessContext } from '../../src/host/process-context.ts'
import { restartWorkers } from '../../src/operate/restart.ts'
import { addBoundaries } from '../kill/boundaries.ts'
import { jsonLines } from '../support/json-lines.ts'
import { standIn, testFleet, until, type Fleet } from '../support/fleet.ts'

const named = process.env['BURN_KILL'] ?? ''
const seed = Date.now() % 1_000_000
const random = seeded(seed)
/** Longer than a lease (ms). */
const clockStep = 40_000
const never = new AbortController().signal

/** The error of a process that was stopped at a boundary. */
class Stopped extends Error {}

interface AgentLine {
  readonly event: string
  readonly pid?: number
  readonly argv?: readonly string[]
}

/** Counts boundaries before and after each call, and throws `Stopped` at the nth and at every later one. */
function boundaries(stopAt: number) {
  let met = 0
  const reach = () => {
    met++
    if (stopAt > 0 && met >= stopAt) throw new Stopped()
  }
  const add = (object: object, names: readonly string[], counts?: (args: readonly unknown[]) => boolean) =>
    addBoundaries(reach, object, names, counts)
  return { add, met: () => met }
}

/** Restarts the worker in a session of its own. Returns the number of boundaries; null if the restart was stopped. */
function restart(fleet: Fleet, stopAt: number, ahead: number): Promise<number | null> {
  const home = join(fleet.dir, 'home')
  const env = { PATH: process.env['PATH'] ?? '', HOME: home }
  return withProcessContext({ env, cwd: home }, () => restartHere(fleet, stopAt, ahead))
}

async function restartHere(fleet: Fleet, stopAt: number, ahead: number): Promise<number | null> {
  const clock = { ...systemClock, now: () => Date.now() + ahead }
  const home = join(fleet.dir, 'home')
  const spec = join(fleet.dir, 'fleet-spec.json')
  const { session, close }: OpenSession = await openSession({ spec }, { clock, env: {}, home, cwd: home, notify: () => {} })
  const limits = boundaries(stopAt)
  limits.add(session.ledger, ['beginRestart', 'recordAgents', 'endStarts', 'saveAgents', 'inherit', 'planDeliveries', 'moveDeliveries'])
  for (const host of await session.machines.open(session.fleet.machines)) {
    limits.add(host, ['end', 'write'])
    if (host.tmux === null) throw new Error('the machine has no tmux server')
    const starts = ([lines]: readonly unknown[]) =>
      (lines as readonly (readonly TmuxCommand[])[]).some((line) => /respawn-pane|paste-buffer|send-keys/.test(String(line)))
    limits.add(host.tmux, ['run'], starts)
  }
  const workers = session.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  try {
    const all = await restartWorkers(workers, session, never, { mode: 'idle', fresh: false, why: 'a test', patience: 30_000 })
    const stopped = all.filter(({ outcome }) => outcome !== 'restarted' && outcome !== 'unproven')
    assert.ok(stopAt > 0 || stopped.length === 0, JSON.stringify(stopped))
    return stopAt > 0 && limits.met() >= stopAt ? null : limits.met()
  } catch (thrown) {
    if (!(thrown instanceof Stopped)) throw thrown
    return null
  } finally {
    // A killed process frees no lease.
    await close()
  }
}

/** Returns the living agents, each with its conversation's arguments. */
function livingAgents({ dir }: Fleet): (readonly string[])[] {
  return readdirSync(join(dir, 'agents')).flatMap((name) => {
    const lines = jsonLines<AgentLine>(join(dir, 'agents', name))
    const start = lines.find(({ event }) => event === 'start')
    if (start?.pid === undefined) return []
    return commandOf(start.pid).includes(dir) ? [start.argv ?? []] : []
  })
}

/** Returns the command line of a process; empty if it has ended. Another process may have the pid of an ended agent. */
function commandOf(pid: number): string {
  try {
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

const dispatchesOf = async ({ burn }: Fleet) => {
  const { out } = await burn('ledger', 'export')
  return out.split('\n').flatMap((line) => /"table":"dispatch".*"state":"(\w+)"/.exec(line)?.[1] ?? [])
}

test('kill: a stopped restart leaves no issue with two agents', { timeout: named === 'all' ? 1_200_000 : 120_000 }, async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent: standIn(dir, '--turn-ms', '50'),
    machines: { box: { windows: [{ name: 'W', names: ['ANN'], panes: 1, repos: ['app'] }] } },
  }))
  const { dir, burn } = fleet
  for (const folder of ['home/.hermes', 'issues/app']) mkdirSync(join(dir, folder), { recursive: true })
  writeFileSync(join(dir, 'home/.hermes/config.yaml'), 'model: { default: m }\n')
  writeFileSync(join(dir, 'issues/app/1.md'), '---\ntitle: do it\nauthor: me\n---\nplease\n')
  for (const words of [['up'], ['christen'], ['dispatch']]) assert.equal((await burn(...words)).code, 0)
  await until('the agent has the issue', () => fleet.received().some(({ text }) => text.includes('You have one issue')))
  const count = await restart(fleet, 0, 0)
  assert.ok(count !== null && count > 8, `${count} boundaries`)
  const chosen =
    named === 'all' ? Array.from({ length: count }, (_, index) => index + 1) : [Number(named) || 1 + Math.floor(random() * count)]
  t.diagnostic(`boundaries ${chosen.join(' ')} of ${count}, seed ${seed}`)
  let ahead = 0
  for (const boundary of chosen) {
    await restart(fleet, boundary, ahead)
    const living = livingAgents(fleet).length
    assert.ok(living <= 1, `boundary ${boundary}, seed ${seed}: ${living} agents live`)
    ahead += clockStep
    await restart(fleet, 0, ahead)
    const [only, ...others] = livingAgents(fleet)
    assert.deepEqual(others, [], `boundary ${boundary}, seed ${seed}: one agent lives`)
    assert.ok(only?.includes('--resume'), `boundary ${boundary}, seed ${seed}: it continues the conversation`)
    assert.deepEqual(await dispatchesOf(fleet), ['handed'], `boundary ${boundary}, seed ${seed}`)
    const { out, code } = await burn('ledger', 'check')
    assert.equal(code, 0, `boundary ${boundary}, seed ${seed}: ${out}`)
  }
})
