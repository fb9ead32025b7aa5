/** `burn council`: sends a person's question to every council and sentinel worker. The workers answer the question and change no files. */
import type { Delivery } from '../core/lifecycle.ts'
import type { Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { questionFor } from '../claim/prompts.ts'
import { deliver } from '../deliver/deliver.ts'
import { leaseLength, withLeases } from '../observe/session.ts'

/** Maximum time (ms) to wait for a worker that cannot get the question yet, because of a draft for example. */
const timeout = 10_000

/** Returns the council and sentinel workers of the fleet. */
export function councilOf({ fleet }: Pick<Session, 'fleet'>): Worker[] {
  return fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.filter(({ role }) => role !== 'worker')))
}

/** Sends a question to the council and returns one delivery per worker. Throws BurnError `council_empty` or `question_empty`. */
export async function askCouncil(question: string, session: Session, stop: AbortSignal): Promise<Delivery[]> {
  const members = councilOf(session)
  if (members.length === 0)
    throw new BurnError('council_empty', 'the fleet has no council or sentinel worker', 'give workers "role": "council" in the spec')
  const text = sanitize(question).trim()
  if (text === '')
    throw new BurnError('question_empty', 'the question is empty', 'write the question after the command: burn council "…"', { exit: 2 })
  const { ledger, clock, owner, newId, fleet } = session
  return withLeases(session, async () => {
    const texts = await Promise.all(
      members.map(async (worker) => {
        const id = newId()
        return {
          id,
          kind: 'council' as const,
          worker: worker.id,
          text: await questionFor({ id, issue: null, question: text, worker }, session),
        }
      }),
    )
    const planned = await ledger.planDeliveries(texts, owner, clock.now() + leaseLength, clock.now())
    const ids = new Set(planned.map(({ id }) => id))
    const machines = fleet.machines.filter(({ name }) => members.some(({ machine }) => machine === name))
    await deliver(machines, session, stop, { timeout })
    return [...(await ledger.deliveries({ ids: [...ids] }))]
  })
}
