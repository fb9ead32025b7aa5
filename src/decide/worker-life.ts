/** Derives the state of a worker's life from the spec, the ledger and the snapshots. Pure. */
import type { StatusState } from '../core/fleet-state.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { WorkerLife } from '../core/lifecycle.ts'
import type { Reading, Time, WorkerId } from '../core/nouns.ts'
import type { ProvisionRecord } from '../core/provision.ts'
import type { SignOfLife, WorkerLifeReport } from '../core/worker-life.ts'
import type { UnderWay } from './under-way.ts'
import { parseHookEvent } from '../core/hook-event.ts'
import { machineOf } from '../core/refs.ts'
import { holdReason } from './holds.ts'
import { lasting } from './health-parts.ts'
import { underWayText } from './under-way.ts'
import { sentence, toSecond } from './wording.ts'

/** The facts that decide about the life of one worker. */
export interface LifeFacts {
  /** The state of the worker; null if the spec does not have the worker. */
  readonly reading: Reading | null
  /** True if the worker has a pane; null if burn cannot see the panes of its machine. */
  readonly has_pane: boolean | null
  /** True if an agent of the worker runs in its pane. */
  readonly has_agent: boolean
  /** The time at which burn last started an agent of the worker; null if it never did. */
  readonly started_at: Time | null
  readonly provision: ProvisionRecord | null
  /** The holds in force that apply to the worker, the widest first. */
  readonly holds: readonly Hold[]
  readonly under_way: readonly UnderWay[]
  readonly last_sign: SignOfLife | null
  /** The time (ms) without a sign of life after which a worker with work is silent. */
  readonly silent_after: number
  readonly now: Time
}

/** Returns the state of a worker's life. */
export function lifeOf(facts: LifeFacts): WorkerLifeReport {
  const { reading, has_agent, has_pane, started_at } = facts
  const leaving = leavingLife(facts)
  if (leaving !== null) return leaving
  // If burn cannot see the pane, the last agent counts as alive.
  const alive = has_agent || (has_pane === null && started_at !== null)
  if (!alive) return beforeDeployment(facts)
  return silentLife(facts) ?? heldLife(facts) ?? { life: 'deployed', since: started_at, evidence: reading?.evidence ?? '' }
}

/** Returns the life of a worker that retires or is retired; null if the worker stays. */
function leavingLife({ reading, has_pane, holds, under_way }: LifeFacts): WorkerLifeReport | null {
  const hold = holds.find(({ code }) => code === 'retire')
  if (hold === undefined && reading !== null) return null
  const why = hold === undefined ? 'the spec no longer has the worker' : sentence(hold.reason)
  const since = hold?.created_at ?? null
  const [work] = under_way
  const isOver = work === undefined && has_pane !== true && (hold === undefined || hold.reason.code === 'retired')
  if (isOver) return { life: 'retired', since, evidence: has_pane === null ? `${why}; burn cannot see its panes` : why }
  const step = work === undefined ? 'nothing is under way' : underWayText(work)
  return { life: 'retiring', since, evidence: `${why}; ${has_pane === false ? 'its pane has ended' : step}` }
}

/** Returns the life of a worker without a living agent. */
function beforeDeployment({ reading, provision, started_at, holds }: LifeFacts): WorkerLifeReport {
  const held = holds.map((hold) => `; ${sentence(holdReason(hold))}`).slice(0, 1)
  const evidence = `${reading?.evidence ?? ''}${held.join('')}`
  const failed = provision?.steps.find(({ state }) => state === 'failed')
  if (failed !== undefined && started_at === null) return { life: 'declared', since: provision?.at ?? null, evidence: failed.what }
  if (provision !== null && failed === undefined) return { life: 'provisioned', since: provision.at, evidence }
  return started_at === null ? { life: 'declared', since: null, evidence } : { life: 'provisioned', since: null, evidence }
}

/** Returns the life of a worker that has work and shows no sign of life; null if the worker is not silent. An idle worker may be silent. */
function silentLife({ under_way, last_sign, silent_after, now }: LifeFacts): WorkerLifeReport | null {
  const work = under_way.find(({ issue }) => issue !== null)
  if (work === undefined || last_sign === null || now - last_sign.at < silent_after) return null
  const evidence = `${work.what}, but gave no sign of life for ${lasting(now - last_sign.at)} (the last: ${signText(last_sign)})`
  return { life: 'silent', since: last_sign.at, evidence }
}

function heldLife({ holds, under_way }: LifeFacts): WorkerLifeReport | null {
  const [hold] = holds
  if (hold === undefined) return null
  const [work] = under_way
  const life: WorkerLife = work !== undefined && holds.some(({ code }) => code === 'drain') ? 'draining' : 'held'
  const evidence = `${sentence(holdReason(hold))}${work === undefined ? '' : `; ${underWayText(work)}`}`
  return { life, since: hold.created_at, evidence }
}

const signNames: Readonly<Record<SignOfLife['kind'], string>> = {
  reading: 'its state changed',
  hook: 'its hook reported an event',
  usage: 'it used tokens',
  commit: 'a commit in its folder',
}

/** Returns a phrase for a sign of life, with its time. */
export function signText({ kind, at }: SignOfLife): string {
  return `${signNames[kind]}, ${toSecond(at)}`
}

/** Returns the newest sign of life; null if there is none. */
export function lastSign(signs: readonly SignOfLife[]): SignOfLife | null {
  return signs.reduce<SignOfLife | null>((last, sign) => (last === null || sign.at > last.at ? sign : last), null)
}

/** States in which the agent is alive. A change to such a state is a sign of life. */
const living = new Set(['idle', 'working', 'waiting', 'error'])

/** Returns the signs of life that the state of the fleet shows: changes of readings, and events of hooks. */
export function signsIn({ states, snapshots, now }: Pick<StatusState, 'states' | 'snapshots' | 'now'>): Map<WorkerId, SignOfLife[]> {
  const signs = new Map<WorkerId, SignOfLife[]>()
  const add = (id: WorkerId, sign: SignOfLife) => signs.set(id, [...(signs.get(id) ?? []), sign])
  for (const [id, { state, since }] of states) if (living.has(state)) add(id, { kind: 'reading', at: since })
  for (const snapshot of snapshots.values()) {
    if (snapshot.state !== 'up') continue
    for (const { worker, signal } of snapshot.panes) {
      const event = worker === null ? null : parseHookEvent(signal)
      // The time of the event is by the clock of the machine, which may differ from the clock of burn.
      if (worker !== null && event !== null) add(worker, { kind: 'hook', at: Math.min(now, event.at + now - snapshot.clock) })
    }
  }
  return signs
}

/** Returns whether a worker has a pane; null if burn cannot see the panes of its machine. */
export function hasPane(id: WorkerId, { snapshots }: Pick<StatusState, 'snapshots'>): boolean | null {
  const snapshot = snapshots.get(machineOf(id))
  if (snapshot === undefined || snapshot.state === 'unreachable') return null
  return snapshot.state === 'up' && snapshot.panes.some(({ worker }) => worker === id)
}
