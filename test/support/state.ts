/** Fleet states for tests of deciders: nothing has happened yet, except what a test changes. */
import type { FleetState } from '../../src/core/fleet-state.ts'
import type { LiveDispatch } from '../../src/core/ledger/claims.ts'
import type { Fleet } from '../../src/core/nouns.ts'
import type { Sprint } from '../../src/core/sprint.ts'
import { fleetOf } from '../simulate/storm.ts'

/** The time of `stateOf`. */
export const now = Date.UTC(2026, 5, 1)
/** The id of `dispatchOf` and `sprintOf`. */
export const id = '0k3v9w2x4abcd'

/** Returns a complete fleet state with the given changes. `rules`: changed keys of `dispatch` in the spec. */
export function stateOf(changes: Partial<FleetState> = {}, rules: Partial<Fleet['dispatch']> = {}): FleetState {
  return {
    fleet: { ...fleetOf(1, 1, rules), name: 'f' },
    now,
    snapshots: new Map(),
    incarnations: new Map(),
    workers: [],
    states: new Map(),
    holds: [],
    records: [],
    agents: new Map(),
    holders: new Map(),
    agents_seen: [],
    dispatches: [],
    sprints: [],
    unproven: new Set(),
    mangled: new Set(),
    following: new Set(),
    arriving: new Set(),
    resumes: new Map(),
    corrections: [],
    ended: new Set(),
    freed: [],
    changes: [],
    changes_at: new Map(),
    closed: new Set(),
    writers: new Map([['o/r', new Set()]]),
    repos_down: new Map(),
    held_repos: new Map(),
    waits: new Map(),
    skipped: [],
    budgets: [],
    steering: { comments: [], login: '', read: new Map() },
    reviews: [],
    issues: [],
    login: null,
    claims: new Map(),
    ...changes,
  }
}

/** Returns a handed dispatch. */
export function dispatchOf(more: Partial<LiveDispatch> = {}): LiveDispatch {
  const times = { claimed_at: now, handed_at: now }
  const its = {
    id,
    kind: 'work',
    issue: 'o/r#1',
    worker: 'm/W/A',
    slot: 0,
    state: 'handed',
    incarnation: '1.%1.9',
    change_url: null,
  } as const
  return { ...its, ...times, ...more }
}

/** Returns a sprint that has just started. */
export function sprintOf(more: Partial<Sprint> = {}): Sprint {
  const spent = { turns: 0, tokens_in: 0, tokens_out: 0, cost: null }
  const result = { outcome: null, failure: null, failure_text: null, check_command: null, check_result: null, change_url: null }
  const model = { backend: null, model: null, provider: null }
  const lease = { lease_owner: 'o', lease_until: now + 60_000 }
  const its = { id, issue: 'o/r#1', worker: 'sprint/h/1', host: 'h', stage: 'claimed', started_at: now, ended_at: null } as const
  return { ...its, ...model, ...spent, ...result, ...lease, ...more }
}
