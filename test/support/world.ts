/** Simulated fleets for tests: they run cycle by cycle in this process, with one ledger or several. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Change, Fleet, Issue, RepoRef, Time } from '../../src/core/nouns.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Session } from '../../src/observe/session.ts'
import { paneAgentCache } from '../../src/agents/index.ts'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { cycle, type CycleResult } from '../../src/cycle/cycle.ts'
import { simulatedScreen } from '../../src/simulate/agent.ts'
import type { SimulatedForge } from '../../src/simulate/forge.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { withoutOutside } from '../../src/simulate/dispatcher.ts'
import { machinesOver } from '../../src/simulate/machines.ts'
import { World } from '../../src/simulate/world.ts'
import { fleetOf } from '../simulate/storm.ts'
import { eventText } from '../../src/decide/event-kinds.ts'

/** A dispatcher that a test runs cycle by cycle. */
export interface TestDispatcher {
  readonly session: Session
  readonly ledger: Ledger
  /** Texts of all notices that the dispatcher has sent. */
  readonly notices: string[]
  cycle(): Promise<CycleResult>
}

/** Habits of agents whose turns last for days and open no change. */
const slow = { turn: { median: 100 * 3_600_000, spread: 0 }, review: { median: 1, spread: 0 }, changes: 0, merged: 0 }

/** Creates a simulated machine with four workers. `open` returns a dispatcher with its own ledger. */
export async function simulatedFleet(t: Pick<TestContext, 'after'>, issues: readonly Issue[], policy: Partial<Fleet['dispatch']> = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const fleet = withScreens(fleetOf(1, 4, policy))
  const ledgers: Ledger[] = []
  t.after(async () => {
    for (const ledger of ledgers) await ledger.close()
  })
  const openOne = async () => {
    const ledger = await openLedger('sqlite::memory:', { random: seeded(7) })
    ledgers.push(ledger)
    const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
    await ledger.recordWorkers(
      workers.map(({ id }) => ({ id, drawn: false })),
      clock.now(),
    )
    return ledger
  }
  const first = await openOne()
  const world = new World({ fleet, habits: slow, seed: 1 }, issues, clock, first)
  /** Waits until `work` ends, and returns its result. Simulated time passes only while `work` waits. */
  const run = async <T>(work: Promise<T>): Promise<T> => {
    let over = false
    const ended = work.finally(() => (over = true))
    ended.catch(() => undefined as void)
    await clock.run(() => over)
    assert.ok(over, 'the code waits for something outside the simulation')
    return ended
  }
  const open = async (ledger?: Ledger): Promise<TestDispatcher> => {
    const own = ledger ?? (ledgers.length === 1 && dispatchers.length === 0 ? first : await openOne())
    const notices: string[] = []
    const random = seeded(dispatchers.length + 1)
    let last = 0
    const session: Session = {
      fleet,
      ledger: own,
      forge: world.forge,
      machines: machinesOver(world.machines, { before: async () => {}, after: async () => {} }),
      clock,
      owner: `dispatcher${dispatchers.length}`,
      newId: () => newId((last = Math.max(clock.now(), last + 1)), random),
      kindOf: paneAgentCache(),
      ...withoutOutside,
      notify: (notice) => void notices.push(eventText(notice)),
    }
    const dispatcher = { session, ledger: own, notices, cycle: () => run(cycle(fleet.machines, session, new AbortController().signal)) }
    dispatchers.push(dispatcher)
    return dispatcher
  }
  const dispatchers: TestDispatcher[] = []
  const people = changesOfPeople(world.forge, () => clock.now())
  const pass = async (ms: number) => {
    let over = false
    clock.at(clock.now() + ms, () => (over = true))
    await clock.run(() => over)
  }
  return { world, clock, fleet, open, run, pass, forge: world.forge, people }
}

/** Gives all workers simulated agents. */
function withScreens(fleet: Fleet): Fleet {
  const agent = { kind: 'custom', command: [], model: null, provider: null, hooks: false, env: {}, custom: simulatedScreen } as const
  const machines = fleet.machines.map((machine) => {
    const windows = machine.windows.map((window) => {
      const workers = window.workers.map((worker) => ({ ...worker, agent: { ...agent, busy_input_mode: 'queue' as const }, depth: 1 }))
      return { ...window, workers }
    })
    return { ...machine, windows }
  })
  return { ...fleet, machines }
}

/** A change that a person opens. */
export type PersonsChange = Pick<Change, 'name' | 'closes'> & Partial<Change>

/** Adds changes that people open, from any branch, to the simulated forge. `put` opens a change or updates it. */
function changesOfPeople(forge: SimulatedForge, now: () => Time) {
  const all = new Map<string, { readonly repo: RepoRef; readonly change: Change; readonly at: Time }>()
  const [issues, changes] = [forge.issues.bind(forge), forge.changes.bind(forge)]
  forge.issues = async (repo, cursor) => {
    const page = await issues(repo, cursor)
    const news = [...all.values()].filter((each) => each.repo === repo).map(({ at }) => at)
    return {
      ...page,
      changed_at: [...news, page.changed_at].reduce((newest, at) => (at === null ? newest : Math.max(newest ?? 0, at)), null),
    }
  }
  forge.changes = async (repo, since) => {
    const page = await changes(repo, since)
    const own = [...all.values()].filter((each) => each.repo === repo && (since === null ? each.change.state === 'open' : each.at >= since))
    return { ...page, changes: [...page.changes, ...own.map(({ change }) => change)] }
  }
  return {
    put(repo: RepoRef, { name, ...more }: PersonsChange, at = now()): void {
      const url = `simulated:${repo}${name}`
      const usual = { dispatch_id: null, url, state: 'open', author: 'ann', fork: false, created_at: at } as const
      all.set(url, { repo, at, change: { ...usual, name, ...more } })
    },
  }
}
