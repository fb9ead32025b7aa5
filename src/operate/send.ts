/** A person's own text to workers, as carefully as any other: placed only where it disturbs nobody, and proven. */
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { deliver } from '../deliver/deliver.ts'
import { leaseLength, withLeases } from '../observe/session.ts'

/** Bytes: what a terminal's line discipline, a tmux buffer and every agent known took in one paste. */
const mostBytes = 1_048_576

/** How long a machine whose connection was lost is tried again before it is left as it is, milliseconds. */
const reconnect = 20_000

export interface SendOptions {
  /** How long a text waits for its pane (a draft, a question, a person at the keys), milliseconds. */
  readonly timeout: number
  readonly onMove?: (delivery: Delivery) => void
}

/** A text that `checked` let through, and who gets it. */
export interface Message {
  readonly worker: Worker
  readonly text: string
}

/**
 * Sends each letter once, and returns a delivery each, in their order, as it ended. What could not be placed while the sender waited is withdrawn (`refused`):
 * nothing arrives hours after it was meant.
 */
export async function send(letters: readonly Message[], session: Session, stop: AbortSignal, options: SendOptions): Promise<Delivery[]> {
  const { ledger, clock, owner, newId, fleet } = session
  const machines = fleet.machines.filter(({ name }) => letters.some(({ worker }) => worker.machine === name))
  return withLeases(session, async () => {
    const texts = letters.map(({ worker, text }) => ({ id: newId(), kind: 'send' as const, worker: worker.id, text }))
    const planned = await ledger.plan(texts, owner, clock.now() + leaseLength, clock.now())
    const reasons = new Map<string, Reason>()
    await deliver(machines, session, stop, { ...options, reconnect, onWait: (id, why) => void reasons.set(id, why) })
    const ids = planned.map(({ id }) => id)
    const left = (await ledger.deliveries({ ids })).filter(({ state }) => state === 'planned')
    await ledger.moveDeliveries(
      left.map(({ id, lease_token: token }) => {
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

/** The text as it may be typed into a terminal. Throws BurnError `text_empty` or `text_too_long` (exit 2). */
export function checked(written: string): string {
  const text = sanitize(written).replace(/\n+$/, '')
  if (text.trim() === '')
    throw new BurnError('text_empty', 'there is no text to send', 'write it after the worker, or - to read it from standard input', {
      exit: 2,
    })
  const bytes = Buffer.byteLength(text)
  if (bytes > mostBytes)
    throw new BurnError(
      'text_too_long',
      `the text has ${bytes} bytes; up to ${mostBytes} are sent`,
      "put it into a file in the worker's directory and send its name",
      { exit: 2 },
    )
  return text
}
