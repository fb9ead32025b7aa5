/** A dispatcher in the simulated world: the program's own loop, in a process that can be killed, stopped and started again. */
import type { Ledger } from '../core/ledger.ts'
import type { Fleet } from '../core/nouns.ts'
import type { CycleResult } from '../cycle/cycle.ts'
import type { Notice } from '../core/events.ts'
import type { Session } from '../observe/session.ts'
import type { Fault } from './faults.ts'
import type { World } from './world.ts'
import { paneAgentCache } from '../agents/index.ts'
import { BurnError } from '../core/errors.ts'
import { newId } from '../core/ids.ts'
import { dispatch } from '../cycle/loop.ts'
import { SimulatedProcess } from './simulated-process.ts'
import { reach } from './machines.ts'

/** A round trip to a machine, milliseconds. */
const roundTrip = { local: 1, far: 20 }

const writes = new Set<string | symbol>([
  'saveIssues',
  'saveWriters',
  'saveChanges',
  'saveChangesSeen',
  'saveVerdicts',
  'saveWaiting',
  'saveComments',
  'rejudgeIfRulesChanged',
  'claim',
  'moveDispatches',
  'moveDeliveries',
  'takeOverDeliveries',
  'renewLeases',
  'releaseLeases',
] satisfies (keyof Ledger)[])

export interface Watching {
  readonly onCycle: (result: CycleResult) => void | Promise<void>
  readonly onNotice: (notice: Notice) => void
}

interface DispatcherParts {
  readonly name: string
  readonly fleet: Fleet
  readonly world: World
  readonly ledger: Ledger
  readonly random: () => number
  readonly watching: Watching
}

export class Dispatcher {
  life = new SimulatedProcess()
  #skew = 0
  #starts = 0
  readonly #kindOf = paneAgentCache()
  readonly #name: string
  readonly #fleet: Fleet
  readonly #world: World
  readonly #ledger: Ledger
  readonly #random: () => number
  readonly #watching: Watching

  constructor({ name, fleet, world, ledger, random, watching }: DispatcherParts) {
    this.#name = name
    this.#fleet = fleet
    this.#world = world
    this.#ledger = ledger
    this.#random = random
    this.#watching = watching
  }

  /** Runs until it is killed; never resolves then. */
  start(): void {
    this.life = new SimulatedProcess()
    this.#starts += 1
    const { machines, dispatch: policy } = this.#fleet
    void dispatch(machines, this.#session(this.life), new AbortController().signal, {
      cycles: Infinity,
      interval: policy.interval,
      onCycle: (result) => void this.#watching.onCycle(result),
    })
  }

  injectFault({ kind, lasts, how }: Fault): void {
    const { clock } = this.#world
    const again = (act: () => void) => clock.at(clock.now() + lasts, act)
    const { life } = this
    if (kind === 'dispatcher') {
      life.killAfter(1 + Math.floor(how * 400))
      // Killed at once where it has nothing to do: somebody starts it again in any case.
      again(() => (life.kill(), this.life === life && this.start()))
    } else if (kind === 'suspend') {
      life.suspendAfter(1 + Math.floor(how * 400))
      again(() => life.resume())
    } else if (kind === 'clock') {
      const by = (how - 0.5) * 4 * 3_600_000
      this.#skew += by
      again(() => (this.#skew -= by))
    }
  }

  #session(life: SimulatedProcess): Session {
    const world = this.#world
    const clock = life.clock(world.clock, () => this.#skew)
    const far = (name: string) => this.#fleet.machines.find((machine) => machine.name === name)?.transport.kind !== 'local'
    const machines = reach(world.machines, {
      there: async (name) => {
        await life.checkpoint()
        await world.clock.sleep(far(name) ? roundTrip.far : roundTrip.local)
      },
      back: () => life.checkpoint(),
    })
    const forge = life.port(world.forge, ['access', 'requests', 'kind'])
    let last = 0
    return {
      fleet: this.#fleet,
      ledger: life.port(this.#onDisk()),
      forge,
      machines,
      clock,
      owner: `${this.#name}.${this.#starts}`,
      newId: () => newId((last = Math.max(clock.now(), last + 1)), this.#random),
      kindOf: this.#kindOf,
      readTemplate: () => Promise.reject(new BurnError('template_unreadable', 'templates are not simulated', '')),
      notify: (notice) => this.#watching.onNotice(notice),
    }
  }

  /** Nothing can be written while the disk is full. */
  #onDisk(): Ledger {
    const world = this.#world
    return new Proxy(this.#ledger, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function' || !writes.has(name)) return value
        return (...given: readonly unknown[]) => {
          if (world.diskFull) return Promise.reject(new BurnError('ledger_full', 'the disk of the ledger is full', 'it is simulated'))
          // A method of the ledger, with what its caller gave.
          return (value as (...all: readonly unknown[]) => unknown).apply(target, [...given])
        }
      },
    })
  }
}
