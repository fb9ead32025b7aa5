/** Reads the part of the fleet's state that is in the ledger, for reports. */
import type { KeptFacet } from '../core/fleet-state.ts'
import type { LedgerView } from '../core/ledger.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { Session } from './session.ts'
import type { WorkerLimit } from '../core/usage-limit.ts'
import { readDriftEvidence, type DriftEvidence } from './drift.ts'

/** The part of the fleet's state that burn reads from the ledger. */
export type KeptState = LedgerView &
  Pick<KeptFacet, 'backed_off' | 'texts'> & {
    readonly drift: DriftEvidence
    readonly usage_limits: readonly WorkerLimit[]
    /** The time at which burn last took a sample of each worker. */
    readonly sampled: ReadonlyMap<WorkerId, Time>
  }

/** Reads the part of the fleet's state that is in the ledger. */
export async function readKept(session: Session): Promise<KeptState> {
  const { ledger, clock } = session
  const view = await ledger.view()
  const open = await ledger.openSpans()
  const given = await ledger.deliveries({ ids: view.dispatches.map(({ id }) => id) })
  return {
    ...view,
    backed_off: await ledger.backoffs(clock.now()),
    texts: [...given, ...view.deliveries],
    drift: await readDriftEvidence(session, open),
    usage_limits: await ledger.usageLimits(),
    sampled: new Map(open.flatMap(({ kind, subject, seen_at }) => (kind === 'worker' ? [[subject, seen_at] as const] : []))),
  }
}
