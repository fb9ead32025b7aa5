/** Finds the models that the spec and the configurations of Hermes name, with the machine that uses each of them. */
import type { FleetModel } from '../core/model.ts'
import type { AgentConfig, Fleet, Machine } from '../core/nouns.ts'
import type { BackendDeps } from '../llm/deps.ts'
import { isLocalServer } from '../llm/model-server.ts'
import type { OpenServer } from '../llm/model-check.ts'
import type { Session } from './session.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { isListedAs } from '../decide/model-state.ts'
import { endpointsOf, type Endpoint } from '../llm/endpoint.ts'
import { hermesEndpoints, hermesEndpointsAway, unusableEndpoint, type AskedModel } from '../llm/hermes-models.ts'
import { maxHermesFile } from '../llm/hermes-files.ts'
import { readFileOn } from '../host/read-file.ts'

/** The parts of burn that find and check models. */
export interface ModelPorts {
  readonly session: Pick<Session, 'fleet' | 'ledger' | 'clock'>
  /** The name of this computer in the ids of sprint workers. */
  readonly host: string
  readonly backends: BackendDeps
  /** Reads the facts of the server of an endpoint, from the machine that uses it; null: from this computer. Reads them once. */
  readonly openServer: (machine: string | null, endpoint: ServerEndpoint) => Promise<OpenServer>
  /** Aborts when a person stops the command. */
  readonly stop: AbortSignal
}

/** The address and the key of a server. */
export type ServerEndpoint = Pick<Endpoint, 'url' | 'key' | 'key_at'>

/** A model that the fleet uses, and how burn reaches it. */
export interface ModelUse {
  readonly model: FleetModel
  readonly endpoint: Endpoint
}

/** Returns the name of the machine that is this computer; null if the spec has none. */
export function machineHere({ machines }: Fleet): string | null {
  return machines.find(({ transport }) => transport.kind === 'local')?.name ?? null
}

/** Returns one use of an endpoint. */
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
  const parts = await Promise.all([chainUses(ports), sprintUses(ports), hermesUses(ports)])
  return merged(parts.flat())
}

async function sprintUses({ session: { fleet }, backends }: ModelPorts): Promise<readonly ModelUse[]> {
  const runners = (fleet.sprint?.backends ?? []).filter((backend) => backend.kind === 'runner')
  const endpoints = await Promise.all(
    runners.map(({ models, hermes_home }) => (models.length > 0 ? endpointsOf(models, backends) : hermesEndpoints(hermes_home, backends))),
  )
  const isStep = ({ model, url }: Endpoint) => fleet.models.chain.some((step) => step.model === model && step.url === url)
  return endpoints.flat().flatMap((endpoint) => (isStep(endpoint) ? [] : [useOf(machineHere(fleet), endpoint, 'sprint')]))
}

/** The settings of Hermes with which some workers of a machine run. */
interface HermesSettings {
  readonly home: string
  readonly asked: AskedModel
}

/** The maximum number of servers that burn asks at once. */
export const maxServers = 8

const defaultHome = '~/.hermes'

async function hermesUses(ports: ModelPorts): Promise<readonly ModelUse[]> {
  const { machines } = ports.session.fleet
  const uses = await Promise.all(
    machines.flatMap((machine) =>
      settingsOn(machine).map(async (settings) => {
        const endpoints = await endpointsOn(machine, settings, ports)
        const home = settings.home === defaultHome ? '' : ` ${settings.home}`
        return endpoints.map((endpoint, index) => useOf(machine.name, endpoint, `hermes${home}${index === 0 ? '' : ' fallback'}`))
      }),
    ),
  )
  return uses.flat()
}

function settingsOn({ windows }: Machine): HermesSettings[] {
  const workers = windows.flatMap((window) => window.workers).filter(({ agent }) => agent.kind === 'hermes')
  const all = workers.map(({ agent }) => ({ home: hermesHomeOf(agent), asked: { model: agent.model, provider: agent.provider } }))
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()]
}

/** Returns the home with the settings of an agent. The home that burn makes for a worker has the settings of the default home. */
function hermesHomeOf({ env, command }: AgentConfig): string {
  const option = command.findIndex((word) => word === '-p' || word === '--profile')
  const profile = option < 0 ? undefined : command[option + 1]
  return env['HERMES_HOME'] ?? (profile === undefined ? defaultHome : `${defaultHome}/profiles/${profile}`)
}

async function endpointsOn(
  machine: Machine,
  { home, asked }: HermesSettings,
  { backends }: Pick<ModelPorts, 'backends'>,
): Promise<readonly Endpoint[]> {
  if (machine.transport.kind === 'local') return hermesEndpoints(home, backends, asked)
  const now = backends.clock.now()
  try {
    const text = await readFileOn(machine, `${home}/config.yaml`, maxHermesFile + 1)
    return await hermesEndpointsAway(home, text, asked, now)
  } catch (thrown) {
    return [unusableEndpoint('hermes', null, thrown, now)]
  }
}

/** The default ports of Ollama, llama.cpp, vLLM and LM Studio. */
const defaultPorts = [11_434, 8_080, 8_000, 1_234]

/** A server on a machine of the fleet. */
interface FleetServer extends ServerEndpoint {
  readonly machine: string | null
  /** True if the spec names the server, so that burn reports it even if it does not answer. */
  readonly named: boolean
}

/** Returns the models that are on servers of the fleet, and that nothing in `uses` names. */
export async function foundModels(uses: readonly ModelUse[], ports: ModelPorts): Promise<readonly ModelUse[]> {
  const servers = await serversOf(uses, ports)
  const found = await mapConcurrently(servers, maxServers, async (server) => {
    const { facts } = await ports.openServer(server.machine, server)
    const own = uses.filter(({ model }) => addressOf(model) === addressOf(server))
    if (facts === null) return server.named && own.length === 0 ? [foundAt(server, '')] : []
    const names = (facts.models ?? []).map(({ name }) => name)
    return names.filter((name) => !own.some(({ model }) => isListedAs(facts, name, model.model))).map((name) => foundAt(server, name))
  })
  return found.flat()
}

/** Returns the servers that `uses` or the spec names, and those at default ports. A provider on the internet is no server of the fleet. */
async function serversOf(uses: readonly ModelUse[], { session: { fleet }, backends }: ModelPorts): Promise<readonly FleetServer[]> {
  const here = machineHere(fleet)
  const used = uses.flatMap(({ model: { machine }, endpoint }) =>
    isLocalServer(endpoint.url) ? [{ ...endpoint, machine, named: false }] : [],
  )
  const named = await Promise.all(
    fleet.models.servers.map(async ({ machine, url, key }) => {
      return { machine: machine ?? here, url, key: key === null ? null : await backends.secret(key), named: true }
    }),
  )
  const places = [...fleet.machines.map(({ name }) => name), ...(here === null ? [null] : [])]
  const guessed = places.flatMap((machine) =>
    defaultPorts.map((port) => ({ machine, url: `http://127.0.0.1:${port}/v1`, key: null, named: false })),
  )
  // Of several entries for an address the last one counts, and a used one has the right key.
  return [...new Map([...guessed, ...named, ...used].map((server) => [addressOf(server), server])).values()]
}

function foundAt({ machine, url, key }: FleetServer, model: string): ModelUse {
  const endpoint = { model, url, key, provider: null, price: null, unusable: null }
  return { endpoint, model: { machine, model, url, provider: null, uses: model === '' ? ['models.servers'] : [] } }
}

/** Merges the uses of the same model. */
function merged(uses: readonly ModelUse[]): ModelUse[] {
  const groups = Map.groupBy(uses, ({ model }) => `${addressOf(model)} ${model.model}`)
  return [...groups.values()].map(([first, ...others]) => {
    const { model, endpoint } = first!
    return { endpoint, model: { ...model, uses: [...new Set([model, ...others.map((other) => other.model)].flatMap(({ uses }) => uses))] } }
  })
}

/** Returns the machine and the address of a model's server. */
export function addressOf({ machine, url }: Pick<FleetModel, 'machine' | 'url'>): string {
  return `${machine ?? ''} ${url.replace('//localhost', '//127.0.0.1')}`
}
