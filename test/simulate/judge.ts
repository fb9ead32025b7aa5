/** The rules that must hold in a simulated night with faults. They are checked after each cycle of any dispatcher, and at the end. */
import type { ChangePolicy } from '../../src/core/change-stages.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Engine } from '../../src/ledger/engine.ts'
import type { Simulated } from '../../src/simulate/simulate.ts'
import type { Receipt, World } from '../../src/simulate/world.ts'
import { liveStates } from '../../src/core/lifecycle.ts'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { markerOf } from '../../src/core/marker.ts'
import { said } from '../support/reasons.ts'
import { ChangeJudge } from './change-judge.ts'

/** Texts about broken rules. */
export type Violations = string[]

/** Judges one night: the ledger and the deliveries; `ChangeJudge` judges the changes. It records the prompts that agents receive, because the world does not keep them. */
export class Judge {
  readonly changes: ChangeJudge
  readonly #receipts = new Map<string, Omit<Receipt, 'text' | 'blockers'>[]>()

  constructor(policy: ChangePolicy) {
    this.changes = new ChangeJudge(policy)
  }

  readonly onReceipt = (receipt: Receipt): void => {
    this.changes.onReceipt(receipt)
    const { text: _text, blockers: _blockers, ...kept } = receipt
    this.#receipts.set(kept.id, [...(this.#receipts.get(kept.id) ?? []), kept])
  }

  /** Throws if a rule is broken. Checks only the ledger's rules about live rows: broken rules of the history still show at the end. */
  readonly onStep = async (world: World, engine: Engine): Promise<void> => {
    throwIfBroken([
      ...(await engine.read((trx) => brokenInvariants(trx, 'live'))),
      ...this.#receivedOnce(),
      ...sharedIssues(world),
      ...this.changes.broken,
    ])
  }

  /**
   * Throws if a rule is broken at the end. `alone`: there was only one dispatcher. Several can write a comment twice, if one is suspended
   * between its check and its write or takes over a lease by a wrong clock. No forge can prevent this.
   */
  async atEnd({ world, ledger, engine }: Simulated, issues: readonly string[], alone: boolean): Promise<void> {
    await this.onStep(world, engine)
    throwIfBroken(await engine.read((trx) => brokenInvariants(trx)))
    throwIfBroken([
      ...(await this.#contradictions(ledger)),
      ...this.changes.atEnd(world),
      ...(alone ? commentsTwice(world, issues) : []),
      ...(await unfinished(world, ledger, issues)),
    ])
  }

  #receivedOnce(): Violations {
    return [...this.#receipts.values()].flatMap((all) =>
      all.length === 1 ? [] : [`${all[0]?.id} was received ${all.length} times: ${JSON.stringify(all)}`],
    )
  }

  /** Returns deliveries whose state in the ledger contradicts what agents received. */
  async #contradictions(ledger: Ledger): Promise<Violations> {
    const broken: Violations = []
    for (const { id, state, evidence } of await ledger.deliveries({ limit: 1e6 })) {
      const got = this.#receipts.has(id)
      if (state === 'seen' && !got) broken.push(`${id} is seen (${said(evidence)}), but nobody received it`)
      if ((state === 'refused' || state === 'planned') && got) broken.push(`${id} is ${state} (${said(evidence)}), but was received`)
    }
    return broken
  }
}

function throwIfBroken(broken: Violations): void {
  if (broken.length > 0) throw new Error(broken.slice(0, 8).join('\n'))
}

/** Returns the issues about which live agents have several unread texts, such as two follow-ups. */
function sharedIssues(world: World): Violations {
  const holders = new Map<string, string[]>()
  for (const agent of world.agents())
    for (const { id, issue } of agent.queue.filter((prompt) => prompt.issue !== ''))
      holders.set(issue, [...(holders.get(issue) ?? []), `${agent.worker} process ${agent.pid} (${id})`])
  return [...holders].flatMap(([issue, agents]) => (agents.length === 1 ? [] : [`${issue} is with ${agents.join(' and ')}`]))
}

/** Returns the issues with more than one comment per dispatch. */
export function commentsTwice({ forge }: World, issues: readonly string[]): Violations {
  return issues.flatMap((issue) => {
    const ids = forge.commentsOn(issue).map(({ body }) => markerOf(body)?.dispatch ?? 'no marker')
    return ids.length === new Set(ids).size ? [] : [`${issue} has a comment twice: ${ids.join(', ')}`]
  })
}

/** Returns issues that are neither done nor given up with a reason, and dispatches and deliveries that did not end. */
async function unfinished({ forge }: World, ledger: Ledger, issues: readonly string[]): Promise<Violations> {
  const { dispatches, deliveries } = await ledger.view()
  const broken: Violations = []
  for (const ref of issues.filter((issue) => forge.isOpen(issue) && !forge.isBlocked(issue))) {
    const record = await ledger.issue(ref)
    if (record?.standing !== 'none' || record.verdict?.reason.code !== 'attempts_used')
      broken.push(`${ref} is neither done nor given up: ${record?.standing} (${said(record?.verdict?.reason)})`)
  }
  for (const { id, issue, state } of dispatches)
    if (!forge.isOpen(issue) && liveStates.includes(state)) broken.push(`${id} of ${issue} is still ${state}`)
  for (const { id, state } of deliveries) if (state !== 'unknown') broken.push(`delivery ${id} is still ${state}`)
  return broken
}
