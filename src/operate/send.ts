/**
 * `burn send`: sends a person's text to workers. burn types the text only if this disturbs nobody, and then looks for proof that the agent
 * has the text.
 */
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { deliver } from '../deliver/deliver.ts'
import { leaseLength, withLeases } from '../observe/session.ts'

/** Maximum size of a text in bytes. Terminals, tmux buffers and all supported agents accept a paste of this size. */
const maxBytes = 1_048_576

/** Maximum time (ms) to reconnect to a machine whose connection was lost. */
const reconnect = 20_000

export interface SendOptions {
  /** Maximum time (ms) that a text waits for its pane, for example while a person types there. */
  readonly timeout: number
  readonly onMove?: (delivery: Delivery) => void
}

/** A text that `checkText` returned, and its recipient. */
export interface Message {
  readonly worker: Worker
  readonly text: string
}

/**
 * Sends each message once, and returns one delivery per message, in the same order. After the timeout, burn withdraws a text that it could
 * not type (state `refused`), so that no text arrives hours later. Throws if the ledger fails.
 */
export async function send(messages: readonly Message[], session: Session, stop: AbortSignal, options: SendOptions): Promise<Delivery[]> {
  const { ledger, clock, owner, newId, fleet } = session
  const machines = fleet.machines.filter(({ name }) => messages.some(({ worker }) => worker.machine === name))
  return withLeases(session, async () => {
    const texts = messages.map(({ worker, text }) => ({ id: newId(), kind: 'send' as const, worker: worker.id, text }))
    const planned = await ledger.planDeliveries(texts, owner, clock.now() + leaseLength, clock.now())
    const reasons = new Map<string, Reason>()
    await deliver(machines, session, stop, { ...options, reconnect, onWait: (id, why) => void reasons.set(id, why) })
    const ids = planned.map(({ id }) => id)
    const unplaced = (await ledger.deliveries({ ids })).filter(({ state }) => state === 'planned')
    await ledger.moveDeliveries(
      unplaced.map(({ id, lease_token: token }) => {
        const evidence: Reason = { code: 'sender_stopped', why: reasons.get(id) ?? null }
        return { id, token, from: 'planned', to: 'refused', evidence }
      }),
      owner,
      clock.now(),
    )
    const ended = new Map((await ledger.deliveries({ ids })).map((delivery) => [delivery.id, delivery]))
    return ids.flatMap((id) => ended.get(id) ?? [])
  })
}

/** Returns the text without characters that a terminal must not get. Throws BurnError `text_empty` or `text_too_long` (exit 2). */
export function checkText(written: string): string {
  const text = sanitize(written).replace(/\n+$/, '')
  if (text.trim() === '')
    throw new BurnError('text_empty', 'the text is empty', 'write the text after the worker, or "-" to read the text from standard input', {
      exit: 2,
    })
  const bytes = Buffer.byteLength(text)
  if (bytes > maxBytes)
    throw new BurnError(
      'text_too_long',
      `the text has ${bytes} bytes, but burn sends at most ${maxBytes}`,
      "write the text to a file in the worker's directory, and send the name of the file",
      { exit: 2 },
    )
  return text
}
