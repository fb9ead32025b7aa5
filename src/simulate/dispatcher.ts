/** Runs the real dispatch loop in a simulated process, which faults can kill, suspend and restart. */
import type { Ledger } from '../core/ledger.ts'
import type { Fleet, Time } from '../core/nouns.ts'
import type { CycleResult } from '../cycle/cycle.ts'
import type { Notice } from '../core/events.ts'
import type { Session } from '../observe/session.ts'
import type { Fault } from './faults.ts'
import type { World } from './world.ts'
import { paneAgentCache, type PaneAgentOf } from '../agents/index.ts'
import { BurnError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { dispatch } from '../cycle/loop.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { machinesOver } from './machines.ts'

/** Duration (ms) of a round trip to the local machine, and to a machine over the network. */
const roundTrip = { local: 1, far: 20 }

/** The methods of the ledger that fail if the disk is full. */
const writes = new Set<string | symbol>([
  'saveIssues',
  'saveWriters',
  'saveOpenChanges',
  'saveChangeCursors',
  'saveVerdicts',
  'saveWaitReasons',
  'saveComments',
  'rejudgeIfRulesChanged',
  'claim',
  'moveDispatches',
  'moveDeliveries',
  'takeOverDeliveries',
  'renewLeases',
  'releaseLeases',
] satisfies (keyof Ledger)[])

/** Callbacks of a dispatcher. */
export interface DispatcherCallbacks {
  readonly onCycle: (result: CycleResult) => void | Promise<void>
  readonly onNotice: (notice: Notice) => void
  /** Called for each new id, with the simulated time. The time in the id is the time of the dispatcher's clock. */
  readonly onId?: ((id: string, at: Time) => void) | undefined
}

interface DispatcherParts {
  readonly name: string
  readonly fleet: Fleet
  readonly world: World
  readonly ledger: Ledger
  readonly random: () => number
  readonly callbacks: DispatcherCallbacks
  /** Returns the kinds of the simulated agents; by default those of the spec. */
  readonly kindOf?: PaneAgentOf
}

/** The parts of a session that use files, git and channels of this machine. A simulation has none of them. */
export const withoutOutside = {
  secrets: async () => ({ known: [], unread: 0 }),
  trackedBy: async () => null,
  spec_file: '/fleet-spec.json',
  countCommits: async () => null,
  restart: async () => new Map(),
  calledByCi: async () => [],
  resolveConflict: async () => 'a simulation has no git',
  readTemplate: () => Promise.reject(new BurnError('template_unreadable', 'a simulation has no templates', '')),
  channel: () => Promise.reject(new BurnError('notify_unset', 'a simulation sends no notifications', '')),
} satisfies Partial<Session>

/** A simulated process that runs the dispatch loop for the simulated fleet. */
export class Dispatcher {
  #running = new SimulatedProcess()
  #skew = 0
  #starts = 0
  readonly #kindOf: PaneAgentOf
  readonly #name: string
  readonly #fleet: Fleet
  readonly #world: World
  readonly #ledger: Ledger
  readonly #random: () => number
  readonly #callbacks: DispatcherCallbacks

  constructor({ name, fleet, world, ledger, random, callbacks, kindOf = paneAgentCache() }: DispatcherParts) {
    this.#name = name
    this.#fleet = fleet
    this.#world = world
    this.#ledger = ledger
    this.#random = random
    this.#callbacks = callbacks
    this.#kindOf = kindOf
  }

  /** Starts the loop in a new process. The process runs until a fault kills it. */
  start(): void {
    this.#running = new SimulatedProcess()
    this.#starts += 1
    const { machines, dispatch: policy } = this.#fleet
    void dispatch(machines, this.#session(this.#running), new AbortController().signal, {
      cycles: Infinity,
      interval: policy.interval,
      onCycle: (result) => void this.#callbacks.onCycle(result),
    })
  }

  /** Injects a fault if it is a fault of dispatchers, and ends the fault after `lasts` ms. */
  injectFault({ kind, lasts, how }: Fault): void {
    const { clock } = this.#world
    const later = (act: () => void) => clock.at(clock.now() + lasts, act)
    const running = this.#running
    if (kind === 'dispatcher') {
      running.killAfter(1 + Math.floor(how * 400))
      // An idle process reaches no checkpoint, so this timer kills it.
      later(() => (running.kill(), this.#running === running && this.start()))
    } else if (kind === 'suspend') {
      running.suspendAfter(1 + Math.floor(how * 400))
      later(() => running.resume())
    } else if (kind === 'clock') {
      const by = (how - 0.5) * 4 * 3_600_000
      this.#skew += by
      later(() => (this.#skew -= by))
    }
  }

  #session(running: SimulatedProcess): Session {
    const world = this.#world
    const clock = running.clock(world.clock, () => this.#skew)
    const far = (name: string) => this.#fleet.machines.find((machine) => machine.name === name)?.transport.kind !== 'local'
    const machines = machinesOver(world.machines, {
      before: async (name) => {
        await running.checkpoint()
        await world.clock.sleep(far(name) ? roundTrip.far : roundTrip.local)
      },
      after: () => running.checkpoint(),
    })
    const forge = running.port(world.forge, ['access', 'requests', 'kind'])
    let last = 0
    return {
      fleet: this.#fleet,
      ledger: running.port(this.#ledgerOnDisk()),
      forge,
      machines,
      clock,
      owner: `${this.#name}.${this.#starts}`,
      newId: () => this.#noted(newId((last = Math.max(clock.now(), last + 1)), this.#random)),
      kindOf: this.#kindOf,
      ...withoutOutside,
      resolveConflict: async ({ ref, change }) => forge.resolveByGit(ref, change.sha),
      notify: (notice) => this.#callbacks.onNotice(notice),
    }
  }

  #noted(id: string): string {
    this.#callbacks.onId?.(id, this.#world.clock.now())
    return id
  }

  /** Returns the ledger. Its writes fail while the simulated disk is full. */
  #ledgerOnDisk(): Ledger {
    const world = this.#world
    return new Proxy(this.#ledger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function' || !writes.has(name)) return value
        return (...given: readonly unknown[]) => {
          if (world.diskFull)
            return Promise.reject(new BurnError('ledger_full', 'the disk of the ledger is full', 'this is a simulated fault'))
          // The cast is safe: `value` is a method of the ledger, and `given` has the arguments of its caller.
          return (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
        }
      },
    })
  }
}
