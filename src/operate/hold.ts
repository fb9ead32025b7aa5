/** `burn hold` stops new work for a worker, lane, machine, repo or the whole fleet. `burn resume` ends the hold. */
import type { Hold, HoldLedger } from '../core/ledger/holds.ts'
import type { Fleet, HoldScope } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { SessionPart } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { reposOf } from '../core/refs.ts'
import { nearest } from '../core/suggest.ts'
import { personalCodes, wholeFleet } from '../decide/holds.ts'

/** The target of a hold by a person. */
export interface HoldTarget {
  readonly scope: HoldScope
  readonly name: string
}

/**
 * Returns the targets that names stand for, without duplicates. Throws BurnError `name_unknown` or `name_ambiguous` (exit 2), before burn has
 * changed anything.
 */
export function holdTargets(fleet: Fleet, names: readonly string[]): readonly HoldTarget[] {
  const all = names.flatMap((name) => holdTargetsNamed(fleet, name))
  return [...new Map(all.map((target) => [`${target.scope} ${target.name}`, target])).values()]
}

/**
 * Returns the targets that a name stands for. The name can be `all`, or the name of a machine, window, lane, account, repo or worker. A lane
 * stands for all of its windows. Throws BurnError `name_unknown` or `name_ambiguous` (exit 2).
 */
function holdTargetsNamed(fleet: Fleet, name: string): readonly HoldTarget[] {
  if (name === wholeFleet) return [{ scope: 'fleet', name: wholeFleet }]
  const all = targetNames(fleet)
  const found = Map.groupBy(
    all.filter(({ names }) => names.includes(name)),
    ({ target }) => target.scope,
  )
  const [scopes, [first = []]] = [[...found.keys()], [...found.values()]]
  if (scopes.length === 0) {
    const near = nearest(name, [wholeFleet, ...all.flatMap(({ names }) => names)])
    const hint =
      near === null
        ? 'name workers, windows, lanes, machines, accounts or repos, or "all" for the whole fleet. Quote a reason: --reason "TEXT"'
        : `did you mean ${near}?`
    throw new BurnError('name_unknown', `the fleet has no worker, window, lane, machine, account or repo ${JSON.stringify(name)}`, hint, {
      exit: 2,
    })
  }
  if (scopes.length > 1 || (scopes[0] !== 'lane' && first.length > 1)) {
    const hint = `write the full name: ${[...found.values()].flatMap(([each]) => each?.names[0] ?? []).join(' or ')}`
    throw new BurnError('name_ambiguous', `the name ${name} is ambiguous: ${scopes.join(', ')}`, hint, { exit: 2 })
  }
  return first.map(({ target }) => target)
}

/** Returns all possible targets, each with the names that a person can type. The first name of each target is unique. */
function targetNames(fleet: Fleet): { readonly target: HoldTarget; readonly names: readonly string[] }[] {
  const entry = (scope: HoldScope, name: string, ...aliases: string[]) => ({ target: { scope, name }, names: [name, ...aliases] })
  const machines = fleet.machines.flatMap(({ name: machine, windows }) => [
    entry('machine', machine),
    ...windows.flatMap(({ name, lane, workers }) => [
      entry('lane', `${machine}/${name}`, name, ...(lane === name ? [] : [lane])),
      ...workers.map((worker) => entry('worker', worker.id, worker.name)),
    ]),
  ])
  const accounts = fleet.accounts.map(({ name }) => entry('account', name))
  return [...machines, ...accounts, ...reposOf(fleet).map((repo) => entry('repo', repo, repo.slice(repo.indexOf('/') + 1)))]
}

/** The details of a hold by a person. */
export interface PersonalHold {
  /** True if the running work may end: texts about it, such as a text that tells an agent to continue, still reach their agents. */
  readonly drain: boolean
  readonly reason: Reason
  /** The end of the hold (ms since 1970); null if it lasts until a person resumes it. */
  readonly until: number | null
  readonly actor: string
}

/** Saves a hold on each of these targets. The new hold replaces an earlier hold that a person set. */
export async function holdByHand(
  targets: readonly HoldTarget[],
  { drain, ...by }: PersonalHold,
  { ledger, clock }: SessionPart<HoldLedger, 'clock'>,
): Promise<void> {
  await ledger.saveHolds(
    targets.map((each) => ({ ...each, code: drain ? ('drain' as const) : ('person' as const), ...by })),
    clock.now(),
  )
}

/** Removes the holds that people set on these targets, and returns those that existed. */
export async function resumeByHand(
  targets: readonly HoldTarget[],
  { ledger, clock }: SessionPart<HoldLedger, 'clock'>,
): Promise<readonly Hold[]> {
  return ledger.removeHolds(
    targets.flatMap((each) => personalCodes.map((code) => ({ ...each, code }))),
    clock.now(),
  )
}
