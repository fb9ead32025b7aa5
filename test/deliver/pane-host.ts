/** Two machines for the contract of `PaneHost`, with two workers each. One is a real tmux server with stand-in agents; the other is simulated. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { PaneAgent } from '../../src/core/agent.ts'
import type { Machine } from '../../src/core/nouns.ts'
import type { Launch, Machines, PaneHost, SnapshotWithScreens } from '../../src/core/pane-host.ts'
import type { Pane } from '../../src/core/panes.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { systemClock } from '../../src/cli/clock.ts'
import { openSession } from '../../src/cli/wire.ts'
import { fileOf, lineFor, deliveryTag } from '../../src/core/typed-line.ts'
import { bringUp } from '../../src/operate/up-down.ts'
import { simulatedScreen } from '../../src/simulate/agent.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { machinesOver, SimulatedMachine } from '../../src/simulate/machines.ts'
import { fleetOf } from '../simulate/storm.ts'
import { receivedIn, scratch, standIn } from '../support/fleet.ts'
import { endServer, privateSocket } from '../support/tmux.ts'

export interface Rig {
  readonly machine: Machine
  readonly machines: Machines
  readonly kind: PaneAgent
  /** Returns the arguments that start an agent in a pane. */
  launch(pane: Pane): Launch
  /** Returns every text that an agent received, oldest first. */
  received(): readonly string[]
  /** Ends the agent in a pane. */
  end(pane: Pane): void
  /** Ends the machine's tmux server. */
  endServer(): void
  /** Lets time pass between two snapshots. */
  pause(): Promise<void>
}

const id = '1m7y6ewdbs30w'
/** A line that an agent accepts as a prompt. */
export const promptLine = `${deliveryTag(id)} list the remaining work.`

/** Writes a text to a worker's file and returns the line that names it. */
export async function lineOf(host: PaneHost, text: string): Promise<string> {
  const dir = host.machine.windows[0]?.workers[0]?.dir ?? ''
  const written = (await host.write([{ id, dir, file: fileOf(id), text }])).get(id)
  if (written === undefined || 'why' in written) throw new Error(`the text was not written: ${written?.why}`)
  const sha256 = createHash('sha256').update(text).digest('hex')
  const lines = text.split('\n')
  return lineFor(id, written.directory, { sha256, lines: lines.length - 1, longest: Math.max(...lines.map(({ length }) => length)) }, 200)
}

/** Takes snapshots until one fulfils the condition, and returns it. Throws after 600 of them. */
export async function untilSeen(
  rig: Rig,
  host: PaneHost,
  what: string,
  holds: (sample: SnapshotWithScreens) => boolean,
): Promise<SnapshotWithScreens> {
  for (let attempts = 0; attempts < 600; attempts++) {
    const sample = await host.snapshotWithScreens()
    if (holds(sample)) return sample
    await rig.pause()
  }
  throw new Error(`no snapshot showed ${what}`)
}

/** Starts a tmux server with stand-in agents that imitate Hermes. */
export async function overTmux(t: Pick<TestContext, 'after'>): Promise<Rig> {
  const [dir, socket] = [scratch(t), privateSocket(t)]
  for (const folder of ['issues/app', 'agents']) mkdirSync(join(dir, folder), { recursive: true })
  const agent = standIn(dir, '--turn-ms', '1')
  const spec = {
    name: 'f',
    session: 'F',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    agent,
    machines: { box: { windows: [{ name: 'W', panes: 2, repos: ['app'] }] } },
  }
  writeFileSync(join(dir, 'spec.json'), JSON.stringify(spec))
  const wiring = { clock: systemClock, env: {}, home: dir, cwd: dir, notify: () => {} }
  const { session, close } = await openSession({ spec: join(dir, 'spec.json') }, wiring)
  t.after(close)
  await bringUp(session.fleet.machines, session, { dryRun: false, prune: false })
  const [machine] = session.fleet.machines
  if (machine === undefined) throw new Error('the spec has a machine')
  return {
    machine,
    machines: session.machines,
    kind: paneAgent({ kind: 'hermes' }),
    launch: (pane) => ({ id, pane, argv: agent.command, env: {}, dir: join(dir, 'w'), queues: false, without_hooks: null }),
    received: () => receivedIn(join(dir, 'agents')).map(({ text }) => text),
    end: (pane) => void process.kill(pane.pid, 'SIGKILL'),
    endServer: () => endServer(socket),
    pause: () => systemClock.sleep(20),
  }
}

/** Makes a simulated machine, which imitates tmux and its agents in memory. */
export async function simulatedHost(): Promise<Rig> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const [machine] = fleetOf(1, 2).machines
  if (machine === undefined) throw new Error('the fleet has a machine')
  const texts: string[] = []
  const simulated = new SimulatedMachine(machine, {
    clock,
    received: (_agent, prompt, text) => (texts.push(text), { id: prompt, issue: '', fixes: false }),
    refuses: () => null,
    turn: () => 1,
    turnEnded: () => {},
    changed: () => simulated.changed(),
  })
  for (const agent of simulated.agents.values()) agent.die()
  simulated.changed()
  return {
    machine,
    machines: machinesOver(new Map([[machine.name, simulated]]), { before: async () => {}, after: async () => {} }),
    kind: paneAgent({ kind: 'custom', custom: simulatedScreen }),
    launch: (pane) => ({ id, pane, argv: ['agent'], env: {}, dir: '~', queues: true, without_hooks: null }),
    received: () => texts,
    end: (pane) => (simulated.agents.get(pane.id)?.die(), simulated.changed()),
    endServer: () => simulated.bringDown(),
    pause: async () => {
      let over = false
      clock.at(clock.now() + 20, () => (over = true))
      await clock.run(() => over)
    },
  }
}
