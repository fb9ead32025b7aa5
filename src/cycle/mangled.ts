/** Texts that arrived changed: tells their agents, and frees their issues once they were told. */
import type { Dispatch } from '../core/lives.ts'
import type { View } from '../core/view.ts'
import type { Session } from '../observe/session.ts'
import { planDisregard } from '../decide/mangled.ts'
import { leaseLength } from '../observe/session.ts'

/** `settled`: what moved in this cycle already. Returns the dispatches that were released. */
export async function disregard(view: View, settled: readonly Dispatch[], session: Session): Promise<readonly Dispatch[]> {
  const { ledger, clock, owner, newId, notify } = session
  const moved = new Set(settled.map(({ id }) => id))
  const mangled = view.dispatches.filter(({ id, state }) => state === 'handed' && view.mangled.has(id) && !moved.has(id))
  if (mangled.length === 0) return []
  const told = await ledger.deliveries({ about: mangled.map(({ id }) => id) })
  const { tell, release } = planDisregard(mangled, told, newId)
  const now = clock.now()
  if (tell.length > 0) await ledger.plan(tell, owner, now + leaseLength, now)
  for (const { worker, about } of tell)
    notify({
      level: 'warn',
      subject: about?.issue ?? worker,
      text: `its text reached ${worker} cut or changed; ${worker} is told to disregard it`,
    })
  return ledger.moveDispatches(release, now)
}
