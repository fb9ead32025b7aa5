/** Finds the agents that run, by the process table of their machine. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { RunningProcess } from '../../src/core/incarnation.ts'
import type { Incarnation, Machine } from '../../src/core/nouns.ts'
import type { MachineSnapshot } from '../../src/core/panes.ts'
import type { Session } from '../../src/observe/session.ts'
import { agentKey, agentsIn, incarnationOf, pidsOf, agentLiveness } from '../../src/core/incarnation.ts'
import { processesOn } from '../../src/host/processes.ts'
import { endedAgents, unreachableWithAgents } from '../../src/observe/agents.ts'
import { pane } from '../decide/pane.ts'
import { scratch } from '../support/fleet.ts'
import { machineOn } from '../tmux/conformance.ts'

/** Returns a machine that changes shell scripts with sed before it runs them, to imitate another system. */
function machineWithEdits(t: TestContext, edit: string): Machine {
  const path = join(scratch(t), 'edited')
  const words = `count=$#; for word; do set -- "$@" "$(printf %s "$word" | sed ${edit})"; done; shift "$count"`
  writeFileSync(path, `#!/bin/sh\n${words}; exec "$@"\n`)
  chmodSync(path, 0o755)
  return machineOn('none', { transport: { kind: 'exec', argv: [path] } })
}

test('process table: has a process and its start until it ends', async (t) => {
  const env = { ...process.env, TMUX: '/tmp/a/tmux-0/burn,77,0', TMUX_PANE: '%5' }
  const child = spawn('sleep', ['1000'], { env, stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  for (const machine of [machineOn('none'), machineWithEdits(t, "'s,/proc,/nowhere,g'")]) {
    const found = (await processesOn(machine, [pid, 4_000_000]))?.get(pid)
    assert.match(found?.started ?? '', /^\d+$|^\w{3}_\w{3}_\d+_[\d:]+_\d{4}$/)
    assert.deepEqual(found?.server, { socket: '/tmp/a/tmux-0/burn', pid: 77 })
    assert.deepEqual([found?.pane, found?.parent, found?.under_tmux], ['%5', process.pid, false])
    assert.equal((await processesOn(machine, [pid]))?.get(pid)?.started, found?.started)
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.deepEqual(await processesOn(machineOn('none'), [pid]), new Map())
})

test('process table: an unreadable one proves nothing', async (t) => {
  assert.equal(await processesOn(machineWithEdits(t, "-e 's,/proc,/nowhere,g' -e 's,ps -o,no-such-ps -o,'"), [process.pid]), null)
  assert.equal(await processesOn(machineOn('none', { transport: { kind: 'exec', argv: ['false'] } }), [process.pid]), null)
})

const running = (pid: number, more: Partial<RunningProcess> = {}): RunningProcess => {
  return { pid, started: '500', parent: 77, under_tmux: true, pane: '%1', server: { socket: '/tmp/tmux-0/burn', pid: 77 }, ...more }
}

test('liveness: a reused pid is not the agent', () => {
  const table = new Map([10, 11].map((pid) => [pid, running(pid)]))
  const asked = ['1.%1.10.500', '1.%1.11.499', '1.%1.12.500', 'not an incarnation']
  assert.deepEqual(pidsOf(asked), [10, 11, 12])
  const { living, ended } = agentLiveness(asked, table)
  assert.deepEqual([...living.keys()], ['1.%1.10.500'])
  assert.deepEqual([...ended], ['1.%1.11.499', '1.%1.12.500'])
})

test('liveness: finds agents of older ledgers by pid and pane', () => {
  const table = new Map([
    [10, running(10)],
    [11, running(11, { pane: null })],
    [12, running(12, { pane: '%2' })],
    [14, running(14, { pane: null, under_tmux: false })],
  ])
  const { living, ended } = agentLiveness(['1.%1.10', '1.%1.11', '1.%1.12', '1.%1.13', '1.%1.14'], table)
  assert.deepEqual([...living.keys()], ['1.%1.10', '1.%1.11'])
  assert.deepEqual([...ended], ['1.%1.12', '1.%1.13', '1.%1.14'], 'such as a daemon that got the pid after a restart')
})

test('incarnation: a pane identifies only its own agent', () => {
  const up = { machine: 'box', state: 'up' as const, session: 'T', session_id: '$0', server_started: 1, clock: 0, windows: [] }
  const started = { ...pane, started: '500' }
  assert.equal(incarnationOf(pane, 1), '1.%1.10')
  assert.equal(incarnationOf(started, 1), '1.%1.10.500')
  const dead = { ...started, id: '%2', dead: true }
  const shell = { ...started, id: '%3', pid: 9 }
  const { living, ended } = agentsIn({ ...up, panes: [started, dead, shell] })
  assert.deepEqual([[...living], [...ended]], [['1.%1.10.500'], ['1.%2.10.500']])
})

test('ended agents: skips machines that do not answer', async () => {
  const names = ['near', 'far', 'away']
  const asked: string[] = []
  const liveness = async ({ name }: Machine, agents: readonly Incarnation[]) => {
    asked.push(name)
    return agentLiveness(agents, new Map(name === 'near' ? [[10, running(10)]] : []))
  }
  const session = {
    fleet: { machines: names.map((name) => machineOn('burn', { name })) },
    machines: { liveness },
  } as unknown as Session
  const held = names.map((name) => ({ worker: `${name}/W/A`, incarnation: '1.%1.10.500' }))
  const snapshots = new Map<string, MachineSnapshot>([
    ['near', { machine: 'near', state: 'down' }],
    ['far', { machine: 'far', state: 'down' }],
    ['away', { machine: 'away', state: 'unreachable', reason: 'no route' }],
  ])
  assert.deepEqual([...(await endedAgents(held, snapshots, session))], [agentKey('far', '1.%1.10.500')])
  assert.deepEqual(asked, ['near', 'far'])
})

test('hidden agents: the remedy fits the state of their tmux server', () => {
  const machine = machineOn('burn')
  const remedyOf = (searched: string, process: RunningProcess) =>
    unreachableWithAgents(machine, searched, { living: new Map([['1.%1.10.500', process]]), ended: new Set() }).remedy ?? ''
  const lost = 'box has no tmux server at /tmp/tmux-0/burn'
  const again = 'To make the tmux server create its socket again: kill -USR1 77'
  const elsewhere = 'box has no tmux server at /x/tmux-0/burn'
  const uses = 'the tmux server of these agents uses /tmp/tmux-0/'
  assert.equal(remedyOf(lost, running(10)), again)
  assert.equal(remedyOf(lost, running(10, { server: null })), again)
  assert.equal(remedyOf(elsewhere, running(10)), `${uses}burn. Run burn with TMUX_TMPDIR=/tmp. ${again}`)
  const other = running(10, { server: { socket: '/tmp/tmux-0/old', pid: 77 } })
  assert.equal(remedyOf(lost, other), `${uses}old. Write "socket": "old" in the spec. ${again}`)
  const foreign = running(10, { server: { socket: '/tmp/tmux-1000/burn', pid: 77 } })
  assert.equal(
    remedyOf(lost, foreign),
    `the tmux server of these agents uses /tmp/tmux-1000/burn. Run burn as the user with id 1000. ${again}`,
  )
  assert.match(remedyOf('box has no session T on its tmux server', running(10)), /Rename that session to T$/)
  assert.equal(remedyOf(lost, running(10, { parent: 1 })), 'the tmux server of these agents has ended. To end the agents: kill 10')
})
