/** Measures one decision over a large fleet and a large backlog, without earlier verdicts. */
import { untouched } from '../test/support/records.ts'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { IssueRecord } from '../src/core/ledger/backlog.ts'
import type { Worker } from '../src/core/nouns.ts'
import type { FleetState } from '../src/core/fleet-state.ts'
import type { Compared } from './measure.ts'
import { actionsOf } from '../src/core/actions.ts'
import { assign } from '../src/decide/assign.ts'
import { stateOf } from '../test/support/state.ts'

/** Returns a copy of a text that V8 has not hashed or concatenated, like text from a database. */
const fresh = (text: string) => Buffer.from(text).toString('latin1')

function viewOf(workers: number, issues: number): FleetState {
  const repos = Array.from({ length: 100 }, (_, index) => `o/r${index}`)
  const served = (index: number) => [repos[index % 100], repos[(index + 1) % 100], repos[(index * 7) % 100]] as string[]
  const all = Array.from({ length: workers }, (_, index) => {
    const id = `m${index % 200}/W${index % 20}/n${index}`
    const home = index % 2 === 0 ? null : (repos[index % 100] ?? null)
    return { id, role: 'worker', sublane: index % 5 === 0 ? 'ui' : null, repos: served(index), home, depth: 2, agent: { kind: 'hermes' } }
  }) as unknown as Worker[]
  const records = Array.from({ length: issues }, (_, index): IssueRecord => {
    const repo = fresh(repos[index % 100] ?? '')
    const times = { created_at: (index * 7919) % issues, updated_at: 1, comments: 0 }
    const people = { labels: index % 9 === 0 ? ['ui'] : ['bug'], assignees: [], author: fresh('ann') }
    const issue = { ref: fresh(`${repo}#${index}`), repo, number: index, title: fresh(`Issue ${index}`), body: '', ...people, ...times }
    return { ...untouched, issue: { ...issue, state: 'open', url: '' } }
  })
  const trust = { authors: 'writers' as const, labels: [], commands: 'writers' as const }
  const policy = {
    skip_labels: ['epic'],
    skip_titles: ['^\\[meta\\]'],
    priority_labels: [['P0'], ['P1'], ['*'], ['P3']],
    council_labels: ['council'],
    assigned: 'skip',
    max_attempts: 3,
    trust,
  }
  return stateOf({
    fleet: { name: 'f', dispatch: policy, accounts: [], machines: [{ windows: [{ workers: all }] }] } as unknown as FleetState['fleet'],
    now: 1e12,
    issues: records,
    records: all.map(({ id }) => ({ id, used_at: null })) as unknown as FleetState['records'],
    workers: all.map((worker) => ({
      worker,
      reading: { state: 'idle', detail: null, evidence: '' },
      incarnation: 'x',
    })) as unknown as FleetState['workers'],
    writers: new Map(repos.map((repo) => [repo, new Set(['ann'])])),
  })
}

setFlagsFromString('--expose-gc')
/** Collects garbage, so that a measurement does not include the garbage of the previous one. */
const collectGarbage = runInNewContext('gc') as () => void

function decided(workers: number, issues: number): number {
  const view = viewOf(workers, issues)
  collectGarbage()
  const began = performance.now()
  const assignments = actionsOf(assign(view), 'claim')
  const took = performance.now() - began
  if (assignments.length !== Math.min(issues, workers * 2)) throw new Error(`${assignments.length} issues were assigned`)
  return took
}

/** Returns the figures for a large fleet and backlog, and for a tenth of both, because the time must grow about linearly. */
export function deciding(pairs: number): Compared[] {
  const large: number[] = []
  const small: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    small.push(decided(1_000, 10_000))
    large.push(decided(10_000, 100_000))
  }
  const name = 'a decision over 10,000 workers and 100,000 new issues'
  return [
    { name, ours: large, theirs: [], against: '', limit: { says: '< 1000 ms', holds: (ours) => ours < 1000 } },
    {
      name: 'the same',
      ours: large,
      theirs: small,
      against: 'over 1,000 and 10,000',
      limit: { says: '≤ 15 ×', holds: (ours, theirs) => ours <= 15 * theirs },
    },
  ]
}
