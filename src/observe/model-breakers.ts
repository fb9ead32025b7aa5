/** Stores the circuit breakers of the chain's steps in the ledger, so that the sprints of one host share them. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Breaker, Breakers } from '../core/model.ts'
import type { SessionPart } from './session.ts'
import { breakerAfter, closedBreaker, openUntil } from '../decide/model-chain.ts'

type Ports = SessionPart<Pick<JobLedger, 'loadValue' | 'saveValue'>, 'fleet' | 'clock' | 'notify'>

/** Returns the breakers of the steps that sprints on `host` use. Reports a breaker when it opens. */
export function storedBreakers({ fleet, ledger, clock, notify }: Ports, host: string): Breakers {
  const keyOf = ({ url, model }: { readonly url: string; readonly model: string }) => `model_step ${host} ${url} ${model}`
  const of: Breakers['of'] = async (step) => {
    const text = await ledger.loadValue(keyOf(step))
    // Only this file writes the value, so it has this type.
    return text === null ? closedBreaker : (JSON.parse(text) as Breaker)
  }
  return {
    of,
    async record(step, failure) {
      const before = await of(step)
      const now = clock.now()
      const after = breakerAfter(before, failure, fleet.models.breaker, now)
      // Most requests succeed, and then there is nothing to write.
      if (after === before || (failure === null && before.failures === 0)) return
      await ledger.saveValue(keyOf(step), JSON.stringify(after))
      const until = openUntil(after, now)
      if (until !== null) notify({ kind: 'model.paused', subject: step.model, payload: { until, why: failure?.reason ?? '' } })
    },
  }
}
