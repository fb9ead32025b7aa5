/** Finds the models that the fleet uses, reads which of them their servers have loaded, and checks whether they answer. */
import type { CheckedModel, FleetModel, ListedFleetModel, ModelReading } from '../core/model.ts'
import type { Fleet } from '../core/nouns.ts'
import type { UsageRecord } from '../core/usage.ts'
import type { BackendDeps } from '../llm/deps.ts'
import type { Endpoint } from '../llm/endpoint.ts'
import type { Fetch } from '../host/fetch.ts'
import type { Session } from './session.ts'
import { endpointsOf } from '../llm/endpoint.ts'
import { hermesEndpoints } from '../llm/hermes-models.ts'
import { openServer, type OpenServer } from '../llm/model-check.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { openUntil } from '../decide/model-chain.ts'
import { listedAs, readingOfWork, silent, workAt } from '../decide/model-state.ts'

/** The parts of burn that the functions of this file need. */
export interface ModelPorts {
  readonly session: Pick<Session, 'fleet' | 'ledger' | 'clock'>
  /** The name of this computer in the ids of sprint workers. */
  readonly host: string
  readonly backends: BackendDeps
  /** Returns the function that sends requests from a machine; null: from this computer. */
  readonly fetchFrom: (machine: string | null) => Fetch
}

/** A model that the fleet uses, and how burn reaches it. */
export interface ModelUse {
  readonly model: FleetModel
  readonly endpoint: Endpoint
}

/** The maximum number of servers that burn asks at once. */
const maxServers = 8

/** Returns the name of the machine that is this computer; null if the spec has none. */
function machineHere({ machines }: Fleet): string | null {
  return machines.find(({ transport }) => transport.kind === 'local')?.name ?? null
}

function useOf(machine: string | null, endpoint: Endpoint, use: string): ModelUse {
  const { model, url, provider } = endpoint
  return { model: { machine, model, url, provider, uses: [use] }, endpoint }
}

/** Returns the steps of the chain, in their order. */
export async function chainUses({ session: { fleet }, backends }: ModelPorts): Promise<readonly ModelUse[]> {
  const endpoints = await endpointsOf(fleet.models.chain, backends)
  return endpoints.map((endpoint, index) => useOf(machineHere(fleet), endpoint, `chain: ${fleet.models.chain[index]?.role ?? ''}`))
}

/** Returns the models that the spec and the configuration of Hermes name, each once. */
export async function configuredUses(ports: ModelPorts): Promise<readonly ModelUse[]> {
  const { fleet } = ports.session
  const runners = (fleet.sprint?.backends ?? []).filter((backend) => backend.kind === 'runner')
  const ofRunners = await Promise.all(
    runners.map(async ({ models, hermes_home }) => {
      const endpoints = models.length > 0 ? await endpointsOf(models, ports.backends) : await hermesEndpoints(hermes_home, ports.backends)
      return endpoints.map((endpoint) => useOf(machineHere(fleet), endpoint, 'sprint'))
    }),
  )
  return merged([...(await chainUses(ports)), ...ofRunners.flat()])
}

/** Merges the uses of the same model. */
function merged(uses: readonly ModelUse[]): ModelUse[] {
  const groups = Map.groupBy(uses, ({ model }) => `${addressOf(model)} ${model.model}`)
  return [...groups.values()].map(([first, ...others]) => {
    const { model, endpoint } = first!
    return { endpoint, model: { ...model, uses: [...new Set([model, ...others.map((other) => other.model)].flatMap(({ uses }) => uses))] } }
  })
}

function addressOf({ machine, url }: Pick<FleetModel, 'machine' | 'url'>): string {
  return `${machine ?? ''} ${url.replace('//localhost', '//127.0.0.1')}`
}

/** Returns the models with the answers of their servers. Asks no model. */
export async function listModels(uses: readonly ModelUse[], ports: ModelPorts): Promise<readonly ListedFleetModel[]> {
  const servers = [...Map.groupBy(uses, ({ model }) => addressOf(model)).values()]
  const listed = await mapConcurrently(servers, maxServers, async (group) => {
    const { facts } = await open(group[0]!, ports)
    const own = group.map(({ model }) => ({ ...model, server: facts?.kind ?? null, ...listedAs(facts, model.model) }))
    return own
  })
  return listed.flat()
}

function open({ model, endpoint }: ModelUse, { session, fetchFrom }: ModelPorts): Promise<OpenServer> {
  return openServer({ url: endpoint.url, key: endpoint.key, fetch: fetchFrom(model.machine), clock: session.clock })
}

/**
 * Checks models, in the order of `uses`. Skips those that answered real work lately. With `load` it checks one model after another, and the
 * first model last, so that the first model is the one that stays loaded.
 */
export async function checkModels(
  uses: readonly ModelUse[],
  ports: ModelPorts,
  { load }: { readonly load: boolean },
): Promise<readonly CheckedModel[]> {
  const { ledger, clock, fleet } = ports.session
  const work = load ? [] : await ledger.usage({ since: clock.now() - fleet.models.fresh })
  const results = new Map<ModelUse, CheckedModel>()
  const groups = load ? [uses.toReversed()] : [...Map.groupBy(uses, ({ model }) => addressOf(model)).values()]
  await mapConcurrently(groups, maxServers, async (group) => {
    const servers = new Map<string, Promise<OpenServer>>()
    for (const use of group) {
      const address = addressOf(use.model)
      const server = () => {
        const opened = servers.get(address) ?? open(use, ports)
        servers.set(address, opened)
        return opened
      }
      results.set(use, await checkModel(use, { server, work, load }, ports))
    }
  })
  return uses.flatMap((use) => results.get(use) ?? [])
}

interface CheckContext {
  readonly server: () => Promise<OpenServer>
  readonly work: readonly UsageRecord[]
  readonly load: boolean
}

async function checkModel(use: ModelUse, { server, work, load }: CheckContext, ports: ModelPorts): Promise<CheckedModel> {
  const { clock, fleet } = ports.session
  const { model, endpoint } = use
  const { breakers } = ports.backends
  const now = clock.now()
  const worked_at = workAt(model, work, { since: now - fleet.models.fresh, here: { machine: machineHere(fleet), host: ports.host } })
  const found = worked_at === null && endpoint.unusable === null ? await server() : null
  const limits = { load, timeout_ms: load ? fleet.models.load_timeout : fleet.models.timeout }
  const reading: ModelReading =
    worked_at !== null
      ? readingOfWork(now - worked_at)
      : found === null
        ? silent('error', endpoint.unusable?.reason ?? '')
        : await found.check(model.model, limits)
  if (reading.state === 'answers') await breakers?.record(endpoint, null)
  const breaker = await breakers?.of(endpoint)
  const paused_until = breaker === undefined ? null : openUntil(breaker, clock.now())
  return { ...model, server: found?.facts?.kind ?? null, ...reading, worked: worked_at !== null, paused_until }
}
