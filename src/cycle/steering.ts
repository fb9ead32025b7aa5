/** Carries out the commands of comments, and acknowledges each with a reaction on the forge. */
import type { SteerAction } from '../core/actions.ts'
import type { SteeringFacet } from '../core/fleet-state.ts'
import type { SteeringResult, UnacknowledgedSteering } from '../core/steering.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, isLedgerFailure, messageWithHint } from '../core/errors.ts'
import { refusalScope } from '../decide/backoff.ts'

/**
 * Carries out the commands and returns them. Then reacts to the comments of all commands without a reaction, also those of earlier cycles.
 * So a command whose reaction failed, or was lost in a crash, gets it later.
 */
export async function applySteering(
  orders: readonly SteerAction[],
  { steering }: SteeringFacet,
  session: Session,
): Promise<readonly SteeringResult[]> {
  const { ledger, clock, newId } = session
  const handled = orders.length + steering.read.size === 0 ? [] : await ledger.steer(orders, steering.read, newId, clock.now())
  for (const each of await ledger.unacknowledgedSteering()) await acknowledge(each, session)
  return handled
}

/** Reacts with thumbs up to a command that burn carried out, and with a confused face to one that it refused. */
async function acknowledge(given: UnacknowledgedSteering, { forge, ledger, clock, notify }: Session): Promise<void> {
  const { ref, comment, done } = given
  try {
    await forge.react(ref, comment, done ? 'thumbs_up' : 'confused')
  } catch (thrown) {
    if (isLedgerFailure(thrown) || !(thrown instanceof BurnError)) throw thrown
    // The next cycle tries again if the forge is down. Otherwise the comment was deleted, or the token may not react.
    const scope = refusalScope(thrown.code)
    notify({ kind: 'forge.skipped', subject: ref, payload: { what: `the reaction to a command on ${ref}: ${messageWithHint(thrown)}` } })
    if (scope === null || scope === 'forge') return
  }
  await ledger.acknowledgeSteering(given, clock.now())
}
