/** What must hold in a simulated night, whatever goes wrong: asked after every cycle of any dispatcher, and at its end. */
import type { Ledger } from '../../src/core/ledger.ts'
import type { Engine } from '../../src/ledger/engine.ts'
import type { Simulated } from '../../src/simulate/simulate.ts'
import type { Receipt, World } from '../../src/simulate/world.ts'
import { liveStates } from '../../src/core/lifecycle.ts'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { markerOf } from '../../src/core/marker.ts'
import { said } from '../support/reasons.ts'

/** Each is a rule that was broken. */
export type Violations = string[]

/** Of one night: told of each prompt that an agent receives, since the world keeps nothing of those. */
export class Judge {
  readonly #receipts = new Map<string, Receipt[]>()

  readonly onReceipt = (receipt: Receipt): void => {
    const before = this.#receipts.get(receipt.id)
    if (before === undefined) this.#receipts.set(receipt.id, [receipt])
    else before.push(receipt)
  }

  /** Throws where a rule is broken; the ledger's own rules of what lives are asked too, and those of its history at the end: what breaks them stays. */
  readonly onStep = async (world: World, engine: Engine): Promise<void> => {
    refuse([...(await engine.read((trx) => brokenInvariants(trx, 'live'))), ...this.#receivedOnce(), ...oneAgentAnIssue(world)])
  }

  /**
   * `alone`: no other dispatcher ran beside. With others, one that is stopped between its last look and its write, or whose clock takes another's lease, can write
   * a comment a second time: no forge can refuse it.
   */
  async atEnd({ world, ledger, engine }: Simulated, issues: readonly string[], alone: boolean): Promise<void> {
    await this.onStep(world, engine)
    refuse(await engine.read((trx) => brokenInvariants(trx)))
    refuse([
      ...(await this.#asTheLedgerSays(ledger)),
      ...(alone ? commentsTwice(world, issues) : []),
      ...(await nothingLost(world, ledger, issues)),
    ])
  }

  #receivedOnce(): Violations {
    return [...this.#receipts.values()].flatMap((all) =>
      all.length === 1 ? [] : [`${all[0]?.id} was received ${all.length} times: ${JSON.stringify(all)}`],
    )
  }

  /** Seen and never received, or refused and received all the same. */
  async #asTheLedgerSays(ledger: Ledger): Promise<Violations> {
    const broken: Violations = []
    for (const { id, state, evidence } of await ledger.deliveries({ limit: 1e6 })) {
      const got = this.#receipts.has(id)
      if (state === 'seen' && !got) broken.push(`${id} is seen (${said(evidence)}) and nobody received it`)
      if ((state === 'refused' || state === 'planned') && got) broken.push(`${id} is ${state} (${said(evidence)}) and was received`)
    }
    return broken
  }
}

function refuse(broken: Violations): void {
  if (broken.length > 0) throw new Error(broken.slice(0, 8).join('\n'))
}

/** An issue is in the hands of one living agent. */
function oneAgentAnIssue(world: World): Violations {
  const holders = new Map<string, string[]>()
  for (const agent of world.agents())
    for (const { id, issue } of agent.queue.filter((prompt) => prompt.issue !== ''))
      holders.set(issue, [...(holders.get(issue) ?? []), `${agent.worker} (${id})`])
  return [...holders].flatMap(([issue, agents]) => (agents.length === 1 ? [] : [`${issue} is with ${agents.join(' and ')}`]))
}

/** Comments more than one a dispatch. */
export function commentsTwice({ forge }: World, issues: readonly string[]): Violations {
  return issues.flatMap((issue) => {
    const ids = forge.commentsOn(issue).map(({ body }) => markerOf(body)?.dispatch ?? 'no marker')
    return ids.length === new Set(ids).size ? [] : [`${issue} has a comment twice: ${ids.join(', ')}`]
  })
}

/** Every issue is done, or is not given any more and says why; nothing is in the middle. */
async function nothingLost({ forge }: World, ledger: Ledger, issues: readonly string[]): Promise<Violations> {
  const { dispatches, deliveries } = await ledger.view()
  const broken: Violations = []
  for (const ref of issues.filter((issue) => forge.isOpen(issue))) {
    const record = await ledger.issue(ref)
    if (record?.standing !== 'none' || record.verdict?.reason.code !== 'attempts_used')
      broken.push(`${ref} is neither done nor given up: ${record?.standing} (${said(record?.verdict?.reason)})`)
  }
  for (const { id, issue, state } of dispatches)
    if (!forge.isOpen(issue) && liveStates.includes(state)) broken.push(`${id} of ${issue} is still ${state}`)
  for (const { id, state } of deliveries) if (state !== 'unknown') broken.push(`delivery ${id} is still ${state}`)
  return broken
}
