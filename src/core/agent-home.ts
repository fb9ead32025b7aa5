/** The home directories of agents: the folders in which agent programs keep their records and their logins. */
import type { Worker } from './nouns.ts'
import { agentName } from './agent-kinds.ts'

/** The facts about an agent that decide in which folders its program keeps files. */
export interface AgentHome {
  /** The absolute path of the user's home directory; `~` if burn does not know it yet. */
  readonly person: string
  /** The environment variables that the spec sets for the agent. */
  readonly env: Readonly<Record<string, string>>
  /** The name of the worker's agent on its machine, as in `AgentPlace.name`. */
  readonly name: string
}

/** Returns the home of a worker's agent. In the variables, a leading `~/` becomes the home directory. */
export function agentHome(worker: Worker, fleet: string, person: string): AgentHome {
  const variables = Object.entries(worker.agent.env).map(([name, value]) => [name, value.replace(/^~(?=\/|$)/, person)])
  return { person, env: Object.fromEntries(variables), name: agentName(fleet, worker) }
}
