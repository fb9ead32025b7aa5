/** The watchdog: finds agents that run with other settings than they should, and uses the remedies that the spec allows. */
import type { Delivery } from '../core/lifecycle.ts'
import type { Machine, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { counted } from '../core/text.ts'
import { deliver } from '../deliver/deliver.ts'
import { readDrift, saveDrift, type DriftSample } from './drift-sample.ts'
import { applyRemedies, type AppliedRemedy, type RemedyOptions } from './drift-remedies.ts'

/** Checks the agents of a machine once. Returns one line about the result. Throws if the ledger fails. */
export async function watchAgents(machine: Machine, session: Session): Promise<string> {
  const sample = await readDrift([machine], session)
  const drifted = await saveDrift(machine, sample, session)
  const options = { settings: session.fleet.drift, stop: new AbortController().signal, dryRun: false }
  const steps = Map.groupBy(await applyRemedies(sample, session, options), ({ step }) => step.do)
  const count = (what: AppliedRemedy['step']['do'], one: string, many: string) => {
    const of = steps.get(what)?.length ?? 0
    return of === 0 ? [] : [counted(of, one, many)]
  }
  return [
    `${counted(drifted, 'agent')} with other settings than expected`,
    ...count('command', 'command', 'commands'),
    ...count('restart', 'restart', 'restarts'),
    ...count('escalate', 'difference without a remedy', 'differences without a remedy'),
  ].join('; ')
}

/** The time (ms) that `applyRemediesNow` waits until it may type a command. A dispatcher types it later. */
const patience = 30_000

/** The remedies of one call of `applyRemediesNow`, and the settings of the agents afterwards. */
export interface RemediesNow {
  readonly mended: readonly (AppliedRemedy & { readonly delivery: Delivery | null })[]
  readonly sample: DriftSample
}

/** Uses the remedies at once for these workers, because a person asks for it. With `dryRun` it only decides. Throws if the ledger fails. */
export async function applyRemediesNow(
  sample: DriftSample,
  { machines, workers }: { readonly machines: readonly Machine[]; readonly workers: ReadonlySet<WorkerId> },
  session: Session,
  { stop, dryRun }: Pick<RemedyOptions, 'stop' | 'dryRun'>,
): Promise<RemediesNow> {
  const settings = { remedy: 'restart' as const, attempts: Infinity }
  const drifts = new Map([...sample.drifts].filter(([worker]) => workers.has(worker)))
  const mended = await applyRemedies({ ...sample, drifts }, session, { settings, stop, dryRun })
  if (dryRun || mended.length === 0) return { mended: mended.map((each) => ({ ...each, delivery: null })), sample }
  const before = session.clock.now()
  const commands = mended.some(({ step }) => step.do === 'command')
  if (commands) await deliver(machines, session, stop, { timeout: patience, placed_timeout: patience })
  const of = async ({ worker, step }: AppliedRemedy) => {
    const [last] = step.do === 'command' ? await session.ledger.deliveries({ worker, kind: 'command', limit: 1 }) : []
    return last !== undefined && last.planned_at <= before ? last : null
  }
  const all = await Promise.all(mended.map(async (each) => ({ ...each, delivery: await of(each) })))
  return { mended: all, sample: await readDrift(machines, session) }
}
