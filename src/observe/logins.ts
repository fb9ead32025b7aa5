/** Reads the logins of the agents on a machine, and what burn keeps about them. */
import type { AgentLogins, Login } from '../core/login.ts'
import type { Machine, Time } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { agentHome } from '../core/agent-home.ts'
import { noMemory, type LoginMemory } from '../decide/login-refresh.ts'
import { loginPaths, loginsOn, type LoginUser } from '../decide/logins.ts'

type Part = Pick<Session, 'fleet' | 'machines' | 'kindOf'>

/** The logins of a machine. */
export interface MachineLogins {
  readonly logins: readonly Login[]
  /** The time of the reading, by the clock of the machine. */
  readonly clock: Time
}

/** Returns the workers of a machine whose agent kinds have logins. `person`: the user's home directory there; `~` if it is unknown. */
export function loginUsers(machine: Machine, { fleet, kindOf }: Pick<Part, 'fleet' | 'kindOf'>, person: string): LoginUser[] {
  return machine.windows.flatMap(({ workers }) =>
    workers.flatMap((worker) => {
      const { logins, kind } = kindOf(worker.agent)
      if (logins === undefined) return []
      return [{ worker: worker.id, agent: kind, logins, home: agentHome(worker, fleet.name, person), provider: worker.agent.provider }]
    }),
  )
}

/** Returns the readers of logins of all agent kinds in the fleet, by kind. */
export function loginKinds({ fleet, kindOf }: Pick<Part, 'fleet' | 'kindOf'>): ReadonlyMap<string, AgentLogins> {
  const users = fleet.machines.flatMap((machine) => loginUsers(machine, { fleet, kindOf }, '~'))
  return new Map(users.map(({ agent, logins }) => [agent, logins]))
}

/** Returns the logins of a machine, without network access there; null if the machine did not answer. Needs one round trip. */
export async function readLogins(machine: Machine, session: Part): Promise<MachineLogins | null> {
  const paths = loginPaths(loginUsers(machine, session, '~'))
  if (paths.length === 0) return { logins: [], clock: 0 }
  const [host] = await session.machines.open([machine])
  if (host === undefined || host.state === 'unreachable') return null
  const listing = await host.logins.read(paths)
  if (listing === null) return null
  const users = loginUsers(machine, session, listing.person)
  const logins = loginsOn({ machine: machine.name, users, listing, refresh: session.fleet.logins.refresh })
  return { logins, clock: listing.clock }
}

const keyOf = ({ name }: Pick<Machine, 'name'>) => `logins ${name}`

/** Returns the memories of the logins of a machine, by the id of the login. */
export async function loadLoginMemories(
  machine: Pick<Machine, 'name'>,
  { ledger }: Pick<Session, 'ledger'>,
): Promise<[string, LoginMemory][]> {
  const stored = await ledger.loadValue(keyOf(machine))
  // Only `saveLoginMemories` writes this value, so it has this type. An older burn left out some fields.
  const memories = stored === null ? [] : (JSON.parse(stored) as [string, Partial<LoginMemory>][])
  return memories.map(([id, memory]) => [id, { ...noMemory, ...memory }])
}

/** Saves the memories of the logins of a machine. */
export async function saveLoginMemories(
  machine: Pick<Machine, 'name'>,
  memories: ReadonlyMap<string, LoginMemory>,
  { ledger }: Pick<Session, 'ledger'>,
): Promise<void> {
  await ledger.saveValue(keyOf(machine), JSON.stringify([...memories]))
}
