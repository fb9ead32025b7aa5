/** Simulates a night with all faults. The seed decides the size of the fleet, the number of dispatchers and the faults. */
import type { Fleet, Issue, Worker } from '../../src/core/nouns.ts'
import type { FaultKind, Faults } from '../../src/simulate/faults.ts'
import { seeded } from '../../src/core/random.ts'
import { faultKinds } from '../../src/simulate/faults.ts'
import { changeFaults } from '../../src/simulate/reviewers.ts'
import { simulate } from '../../src/simulate/simulate.ts'
import type { ChangeFigures } from './change-judge.ts'
import { commentsTwice, Judge } from './judge.ts'
import { completeModels } from '../../src/spec/complete-models.ts'
import {
  completeHealth,
  completeLogins,
  completeSnapshot,
  completeTelemetry,
  completeWorkerSettings,
} from '../../src/spec/complete-observation.ts'

const minute = 60_000
const hour = 60 * minute

/** The figures of one night. */
export interface Night extends ChangeFigures {
  readonly seed: number
  readonly dispatches: number
  readonly faults: number
  readonly cycles: number
  /** Simulated hours. */
  readonly hours: number
  readonly unknown: number
  /** Number of issues with a second comment of one dispatch. */
  readonly twice: number
}

const repos = ['o/a', 'o/b', 'o/c']

/** Returns a fleet of custom agents without a spec file. `changes`: keys of `dispatch`. */
export function fleetOf(machines: number, panes: number, changes: Partial<Fleet['dispatch']> = {}): Fleet {
  const workerOf = (machine: string, pane: number): Worker => {
    const name = `W${pane}`
    const own = [repos[pane % 3], repos[(pane + 1) % 3]] as string[]
    const base = { id: `${machine}/LANE/${name}`, name, machine, window: 'LANE', lane: 'lane', pane, role: 'worker' as const, glyph: '◆' }
    const agent = { kind: 'shell', command: [], model: null, provider: null, busy_input_mode: 'queue', hooks: false, env: {} } as const
    return { ...base, sublane: null, repos: own, home: null, dir: '~', depth: 2, agent }
  }
  return {
    name: 'storm',
    drift: { remedy: 'report', attempts: 2 },
    forge: { kind: 'folder', owner: 'o' },
    dispatch: {
      interval: minute,
      skip_labels: [],
      skip_titles: [],
      priority_labels: [],
      council_labels: [],
      assigned: 'skip',
      idle_timeout: 10 * minute,
      stale_after: 90 * minute,
      max_attempts: 5,
      retry_after: 2 * minute,
      shared_forge: false,
      branch_prefix: 'burn/',
      trust: { authors: 'writers', labels: [], commands: 'writers' },
      ...changes,
    },
    ledger: '',
    retention: null,
    telemetry: completeTelemetry({}),
    models: completeModels({}),
    snapshot: completeSnapshot({}, String, '/nowhere'),
    health: completeHealth({}),
    logins: completeLogins({}),
    worker: completeWorkerSettings({}),
    notify: null,
    prices: [],
    changes: {
      merge: 'never',
      method: null,
      delete_branch: null,
      rounds: { checks: 3, reviews: 3, conflict: 2 },
      bots: [],
      push_timeout: 3_600_000,
    },
    repos: [],
    sprint: null,
    delegation: null,
    accounts: [],
    budgets: [],
    templates: { work: null, identity: null, council: null },
    machines: Array.from({ length: machines }, (_, index) => {
      const name = `m${index + 1}`
      const workers = Array.from({ length: panes }, (_each, pane) => workerOf(name, pane + 1))
      const far = { kind: 'ssh' as const, host: name, port: null, options: {} }
      const rest = { cores: null, ram_gb: null, session: 'S', socket: 's', tmux: 'tmux', state_dir: '~' }
      return {
        name,
        transport: index === 0 ? { kind: 'local' as const } : far,
        ...rest,
        windows: [{ name: 'LANE', lane: 'lane', workers }],
      }
    }),
  }
}

/** Returns open issues, spread over the repos of `fleetOf`. */
export function issuesOf(count: number): Issue[] {
  return Array.from({ length: count }, (_, index) => {
    const repo = repos[index % 3] as string
    const number = index + 1
    const people = { labels: ['bug'], assignees: [], author: 'ann' }
    const at = { created_at: index, updated_at: index, comments: 0 }
    return {
      ref: `${repo}#${number}`,
      repo,
      number,
      title: `Issue ${number}`,
      body: 'Do it.',
      ...people,
      ...at,
      state: 'open' as const,
      url: 'x',
    }
  })
}

/** Simulates one night, and returns its figures. Throws an error with the seed if a rule is broken. */
export async function night(seed: number, issues: number): Promise<Night> {
  const random = seeded(seed)
  const pick = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const declared = fleetOf(pick(2, 4), pick(3, 8), { interval: pick(1, 4) * minute })
  const idsOf = ({ windows }: Fleet['machines'][number]) => windows.flatMap((window) => window.workers.map(({ id }) => id))
  const merge = (['never', 'approved', 'green'] as const)[pick(0, 2)] ?? 'never'
  const changes = { ...declared.changes, merge }
  const fleet = { ...declared, changes, accounts: declared.machines.map((machine) => ({ name: machine.name, workers: idsOf(machine) })) }
  const hard = 0.3 + random() * 1.2
  // In each third night only changes have faults, so that no text can be lost.
  const isQuiet = seed % 3 === 0
  const kinds = Object.entries(faultKinds).filter(([kind]) => !isQuiet || changeFaults.some((each) => each === kind))
  const faults: Faults = new Map(kinds.map(([kind, mean]) => [kind as FaultKind, mean * hard]))
  const given = issuesOf(issues)
  const workers = fleet.machines.length * (fleet.machines[0]?.windows[0]?.workers.length ?? 0)
  // Long enough to do all issues several times. Faults begin only in the first half.
  const longest = 12 * hour + ((issues * 15 * minute) / workers) * 4
  const dispatchers = pick(1, 3)
  const judge = new Judge(changes)
  try {
    const result = await simulate({
      fleet,
      issues: given,
      habits: { turn: { median: 8 * minute, spread: 0.7 }, review: { median: 15 * minute, spread: 0.7 }, changes: 0.93, merged: 0.95 },
      seed,
      start: Date.UTC(2026, 0, 1),
      longest,
      faults,
      dispatchers,
      calm: 0.5,
      onReceipt: judge.onReceipt,
      onId: judge.changes.onId,
      onMerge: judge.changes.onMerge,
      ...(isQuiet ? { onEscalation: judge.changes.onEscalation } : {}),
      onStep: judge.onStep,
    })
    const { world, ledger, cycles } = result
    const refs = given.map(({ ref }) => ref)
    try {
      await judge.atEnd(result, refs, dispatchers === 1)
      if (!result.finished) throw new Error('the fleet did not finish')
      const rows = await ledger.dispatches({ limit: 1e6 })
      const unknown = (await ledger.deliveries({ limit: 1e6 })).filter(({ state }) => state === 'unknown').length
      const hours = (result.ended - result.began) / hour
      return {
        seed,
        dispatches: rows.length,
        faults: world.faults,
        cycles,
        hours,
        unknown,
        twice: commentsTwice(world, refs).length,
        ...judge.changes.figures,
      }
    } finally {
      await ledger.close()
    }
  } catch (thrown) {
    throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown })
  }
}
