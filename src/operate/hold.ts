/** Holding by hand: a worker, a lane, a machine, a repo or the whole fleet gets nothing new until a time, or until somebody resumes it. */
import type { Hold, HoldLedger } from '../core/ledger/holds.ts'
import type { Fleet, HoldScope } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { SessionPart } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { reposOf } from '../core/refs.ts'
import { nearest } from '../core/suggest.ts'
import { wholeFleet } from '../decide/holds.ts'

/** What a person's hold is on. */
export interface Held {
  readonly scope: HoldScope
  readonly name: string
}

/**
 * Returns what a name means: `all`, a machine, a window (`mac/CRUCIBLE`, or its name), all windows of a lane, a repo or a worker. Throws BurnError `hold_unknown` or
 * `hold_ambiguous` (exit 2).
 */
export function heldNamed(fleet: Fleet, given: string): readonly Held[] {
  if (given === wholeFleet) return [{ scope: 'fleet', name: wholeFleet }]
  const all = namesOf(fleet)
  const found = Map.groupBy(
    all.filter(({ names }) => names.includes(given)),
    ({ held }) => held.scope,
  )
  const [scopes, [first = []]] = [[...found.keys()], [...found.values()]]
  if (scopes.length === 0) {
    const near = nearest(
      given,
      all.flatMap(({ names }) => names),
    )
    const hint = near === null ? 'name a worker, a window, a lane, a machine, a repo, or all' : `did you mean ${near}?`
    throw new BurnError('hold_unknown', `the fleet has nothing that is called ${JSON.stringify(given)}`, hint, { exit: 2 })
  }
  if (scopes.length > 1 || (scopes[0] !== 'lane' && first.length > 1)) {
    const hint = `name it in full, for example ${[...found.values()].flatMap(([each]) => each?.names[0] ?? []).join(' or ')}`
    throw new BurnError('hold_ambiguous', `${given} is the name of more than one: ${scopes.join(', ')}`, hint, { exit: 2 })
  }
  return first.map(({ held }) => held)
}

/** Everything that can be held, by each of its names; the first one is unique. */
function namesOf(fleet: Fleet): { readonly held: Held; readonly names: readonly string[] }[] {
  const entry = (scope: HoldScope, name: string, ...also: string[]) => ({ held: { scope, name }, names: [name, ...also] })
  const machines = fleet.machines.flatMap(({ name: machine, windows }) => [
    entry('machine', machine),
    ...windows.flatMap(({ name, lane, workers }) => [
      entry('lane', `${machine}/${name}`, name, ...(lane === name ? [] : [lane])),
      ...workers.map((worker) => entry('worker', worker.id, worker.name)),
    ]),
  ])
  return [...machines, ...reposOf(fleet).map((repo) => entry('repo', repo, repo.slice(repo.indexOf('/') + 1)))]
}

export interface PersonsHold {
  readonly reason: Reason
  /** Milliseconds; null: until somebody resumes it. */
  readonly until: number | null
  readonly actor: string
}

export async function holdByHand(
  held: readonly Held[],
  by: PersonsHold,
  { ledger, clock }: SessionPart<HoldLedger, 'clock'>,
): Promise<void> {
  await ledger.saveHolds(
    held.map((each) => ({ ...each, code: 'person' as const, ...by })),
    clock.now(),
  )
}

/** Returns the holds that there were. */
export async function resumeByHand(held: readonly Held[], { ledger, clock }: SessionPart<HoldLedger, 'clock'>): Promise<readonly Hold[]> {
  return ledger.removeHolds(
    held.map((each) => ({ ...each, code: 'person' as const })),
    clock.now(),
  )
}
