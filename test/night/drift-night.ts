/**
 * Simulates a night in which agents record their requests to models: the real dispatcher with its jobs `usage` and `watchdog` runs on a virtual
 * clock. The night knows by itself which agent runs with which settings, and never reads the ledger for that.
 */
import type { Fleet, Time, Worker, WorkerId } from '../../src/core/nouns.ts'
// burn loads the parser when it reads the first configuration. The virtual clock does not wait for that.
import '../../src/host/config-file.ts'
import { isDrift } from '../../src/core/drift.ts'
import { seeded } from '../../src/core/random.ts'
import { readStatus } from '../../src/observe/state.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { Dispatcher } from '../../src/simulate/dispatcher.ts'
import { World } from '../../src/simulate/world.ts'
import { fleetOf, issuesOf } from '../simulate/storm.ts'
import { DriftAgents } from './drift-agents.ts'
import { normal, type TrueDrift } from './drift-life.ts'
import { sessionOf, simulatedKinds } from './sessions.ts'

const minute = 60_000
const hour = 60 * minute

/** What burn reported at one time: the state of each worker with a difference. `surface`: where. */
export interface DriftProbe {
  readonly at: Time
  readonly surface: 'ledger' | 'status'
  readonly states: ReadonlyMap<WorkerId, string>
  /** The number of workers of which burn said that they use the right model. */
  readonly ok: number
}

export interface DriftNight {
  readonly fleet: Fleet
  readonly probes: readonly DriftProbe[]
  readonly drifts: readonly TrueDrift[]
  /** The times at which the job `usage` read each machine. The job `watchdog` follows at once. */
  readonly reads: ReadonlyMap<string, readonly Time[]>
  /** How often each harmless event and each injection happened. */
  readonly counts: ReadonlyMap<string, number>
  readonly until: Time
}

/** Simulates one night. With `injects` agents also get other settings than they should. */
export async function driftNight({ seed, machines = 2, panes = 9, hours = 8, injects }: DriftNightInput): Promise<DriftNight> {
  const start = Date.UTC(2026, 10, 26, 18)
  const clock = new VirtualClock(start)
  const fleet = withAgents(fleetOf(machines, panes, { interval: 3 * minute, idle_timeout: 10 * minute, max_attempts: 3 }))
  const ledger = await openLedger('sqlite::memory:', { random: seeded(seed) })
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  await ledger.recordWorkers(
    workers.map(({ id }) => ({ id, drawn: false })),
    start,
  )
  const turns = { seen: [6, 9, 14, 18, 22, 28, 40].map((minutes) => minutes * minute) }
  const habits = { turn: turns, review: { seen: [4 * minute, 20 * minute] }, changes: 1, merged: 1 }
  const issues = issuesOf(machines * panes * hours * 2)
  const world: World = new World({ fleet, habits, seed, onChange: (agent) => sim.agentChanged(agent) }, issues, clock, ledger)
  const sim: DriftAgents = new DriftAgents({ fleet, world, clock, ledger, seed, injects })
  const kindOf = simulatedKinds()
  const callbacks = { onCycle: () => {}, onNotice: () => {} }
  const dispatcher = new Dispatcher({ name: 'dispatcher', fleet, world, ledger, random: seeded(seed), callbacks, kindOf })
  const session = { ...sessionOf('cron', { fleet, ledger, world, clock, seed }, () => {}), kindOf }
  const probes: DriftProbe[] = []
  const probe = async () => {
    const random = seeded(seed + 7)
    for (;;) {
      await clock.sleep(minute + random() * 4 * minute)
      const spans = (await ledger.openSpans()).filter(({ kind }) => kind === 'drift')
      const shown = spans.filter(({ state }) => isDrift(state)).map(({ subject, state }) => [subject, state] as const)
      const ok = spans.filter(({ state }) => state === 'ok').length
      probes.push({ at: clock.now(), surface: 'ledger', states: new Map(shown), ok })
      const { drifts, now } = await readStatus(fleet.machines, session)
      probes.push({ at: now, surface: 'status', states: new Map([...drifts].map(([id, { state }]) => [id, state])), ok })
    }
  }
  await sim.begin(dispatcher)
  dispatcher.start()
  void probe()
  const until = start + hours * hour
  await clock.run(() => clock.now() >= until)
  await ledger.close()
  return { fleet, probes, drifts: sim.drifts, reads: sim.reads(), counts: sim.counts, until }
}

export interface DriftNightInput {
  readonly seed: number
  readonly machines?: number
  readonly panes?: number
  readonly hours?: number
  readonly injects: boolean
}

/** Gives the workers real agent kinds. Some have no hooks, some share a folder, and of some nothing says which model they should use. */
function withAgents(fleet: Fleet): Fleet {
  const kinds = ['claude', 'hermes', 'codex'] as const
  const workerOf = (worker: Worker, index: number): Worker => {
    const kind = kinds[index % 3]!
    const command = kind === 'claude' ? ['claude', '--fallback-model', 'claude-haiku-4-5'] : []
    const model = index === 6 || kind === 'hermes' ? null : normal[kind].asked
    const provider = kind === 'hermes' ? 'nous' : null
    const base = { kind, command, model, provider, hooks: index % 4 !== 3, env: {}, busy_input_mode: 'queue' } as const
    // The ninth worker works in the folder of the sixth one.
    return { ...worker, dir: `/fleet/${worker.machine}/${index === 8 ? 'W6' : worker.name}`, agent: base }
  }
  const machines = fleet.machines.map((machine) => ({
    ...machine,
    windows: machine.windows.map((window) => ({ ...window, workers: window.workers.map(workerOf) })),
  }))
  return { ...fleet, machines }
}
