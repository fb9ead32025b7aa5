/** A ledger in memory for simulations. A dead process no longer writes to it. */
import type { JobLedger } from '../../src/core/ledger/jobs.ts'
import type { NewEvent } from '../../src/core/events.ts'

/** A ledger in memory, with the leases of jobs. */
export class MemoryLedger {
  readonly values = new Map<string, string>()
  readonly jobs = new Map<string, { owner: string | null; until: number; last_run: number; next_run: number | null }>()
  readonly events: NewEvent[] = []

  part(
    isDead: () => boolean,
  ): Pick<JobLedger, 'loadValue' | 'saveValue' | 'beginJob' | 'endJob'> & { recordEvents: (all: readonly NewEvent[]) => Promise<void> } {
    const write = (change: () => void) => {
      if (isDead()) return new Promise<never>(() => {})
      change()
      return Promise.resolve()
    }
    return {
      loadValue: async (key) => this.values.get(key) ?? null,
      saveValue: (key, value) => write(() => void this.values.set(key, value)),
      recordEvents: (all) => write(() => void this.events.push(...all)),
      beginJob: async ({ name, period }, owner, until, at) => {
        const job = this.jobs.get(name)
        const runs = job?.owner != null && job.until > at
        if (runs || (period !== null && job?.next_run != null && job.next_run > at))
          return { name, period, owner: job.owner, until: job.until, last_run: 0, last_result: null, next_run: job.next_run }
        this.jobs.set(name, { owner, until, last_run: at, next_run: null })
        return null
      },
      endJob: ({ name, next_run }, owner) =>
        write(() => {
          const job = this.jobs.get(name)
          if (job?.owner === owner) this.jobs.set(name, { ...job, owner: null, next_run })
        }),
    }
  }
}
