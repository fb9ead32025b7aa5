/** Reads which models their servers have loaded, and checks whether the models answer. */
import type { CheckedModel, FleetModel, ListedFleetModel, ModelReading } from '../core/model.ts'
import type { UsageRecord } from '../core/usage.ts'
import { addressOf, machineHere, maxServers, type ModelPorts, type ModelUse } from './model-uses.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { openUntil } from '../decide/model-chain.ts'
import { listedAs, readingOfWork, silent, workAt } from '../decide/model-state.ts'

/** Returns the models with the answers of their servers. Asks no model. */
export async function listModels(uses: readonly ModelUse[], { openServer }: ModelPorts): Promise<readonly ListedFleetModel[]> {
  return mapConcurrently(uses, maxServers, async ({ model, endpoint }) => {
    const { facts } = endpoint.unusable === null ? await openServer(model.machine, endpoint) : { facts: null }
    return { ...model, server: facts?.kind ?? null, ...listedAs(facts, model.model) }
  })
}

/** The options of `checkModels`. */
export interface CheckOptions {
  /** True if a person allows burn to load models. */
  readonly load: boolean
  /** Called before the check of each model. */
  readonly onStart?: (model: FleetModel) => void
}

/**
 * Checks models, in the order of `uses`. Skips those that answered real work lately. With `load` it checks one model after another, and the
 * first model last, so that the first model is the one that stays loaded.
 */
export async function checkModels(
  uses: readonly ModelUse[],
  ports: ModelPorts,
  { load, onStart = () => {} }: CheckOptions,
): Promise<readonly CheckedModel[]> {
  const { ledger, clock, fleet } = ports.session
  const work = load ? [] : await ledger.usage({ since: clock.now() - fleet.models.fresh })
  const results = new Map<ModelUse, CheckedModel>()
  const groups = load ? [uses.toReversed()] : [...Map.groupBy(uses, ({ model }) => addressOf(model)).values()]
  await mapConcurrently(groups, maxServers, async (group) => {
    for (const use of group) {
      if (ports.stop.aborted) return
      onStart(use.model)
      const checked = await checkModel(use, { work, load }, ports)
      // A request that a person stopped shows nothing about the model.
      if (!ports.stop.aborted || checked.state === 'answers') results.set(use, checked)
    }
  })
  return uses.flatMap((use) => results.get(use) ?? [])
}

interface CheckContext {
  readonly work: readonly UsageRecord[]
  readonly load: boolean
}

async function checkModel(use: ModelUse, { work, load }: CheckContext, ports: ModelPorts): Promise<CheckedModel> {
  const { clock, fleet } = ports.session
  const { model, endpoint } = use
  const here = machineHere(fleet)
  // Only sprints have circuit breakers, and they use the models of this computer.
  const breakers = model.machine === here ? ports.backends.breakers : undefined
  const before = await breakers?.of(endpoint)
  const now = clock.now()
  const since = now - fleet.models.fresh
  // After a failure, work from before the failure shows nothing.
  const hasFailed = before !== undefined && before.failures > 0
  const worked_at = hasFailed ? null : workAt(model, work, { since, here: { machine: here, host: ports.host } })
  const found = worked_at === null && endpoint.unusable === null ? await ports.openServer(model.machine, endpoint) : null
  const limits = { load, timeout_ms: load ? fleet.models.load_timeout : fleet.models.timeout }
  const reading: ModelReading =
    worked_at !== null
      ? readingOfWork(now - worked_at)
      : found === null
        ? silent('error', endpoint.unusable?.reason ?? '')
        : await found.check(model.model, limits)
  const answered = reading.state === 'answers' && worked_at === null
  if (answered) await breakers?.record(endpoint, null)
  const paused_until = before === undefined || answered ? null : openUntil(before, now)
  return { ...model, server: found?.facts?.kind ?? null, ...reading, worked: worked_at !== null, paused_until }
}
