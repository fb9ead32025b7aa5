/** Holds the account of a backend that reached its usage limit. A dispatcher may be away, so the process of the sprint sets the hold itself. */
import type { HoldLedger } from '../core/ledger/holds.ts'
import type { SessionPart } from '../observe/session.ts'
import { sprintLimit, type LimitedSprint } from '../decide/limits.ts'

/** Sets the hold. The ledger skips it if another process has changed the hold of the account. Throws if the ledger fails. */
export async function holdAccount(
  limited: LimitedSprint,
  { ledger, fleet, clock }: SessionPart<Pick<HoldLedger, 'holds' | 'saveHolds'>, 'fleet' | 'clock'>,
): Promise<void> {
  if (fleet.accounts.length === 0) return
  const now = clock.now()
  const action = sprintLimit(limited, { accounts: fleet.accounts, holds: await ledger.holds(), now })
  if (action === null) return
  const { do: _do, ...hold } = action
  await ledger.saveHolds([{ ...hold, actor: 'burn' }], now)
}
