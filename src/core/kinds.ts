/** The agent programs that burn knows. Each has its record in src/agents/index.ts, which does not compile without it. */
import { keysOf } from './json.ts'
export const agentKinds = {
  hermes: { sprint: true },
  claude: { sprint: true },
  codex: { sprint: true },
  gemini: { sprint: false },
  opencode: { sprint: true },
  pi: { sprint: false },
  qwen: { sprint: false },
  shell: { sprint: false },
  custom: { sprint: true },
} as const satisfies Readonly<Record<string, AgentAbilities>>

/** What a kind can do beside being typed to in a pane. */
interface AgentAbilities {
  /** burn can run it from a command line, as the backend of a sprint. */
  readonly sprint: boolean
}

/** A name that may stand in `agent.kind` of the spec. */
export type AgentName = keyof typeof agentKinds
/** A name that may stand in `agent` of a sprint's backend. */
export type SprintAgentName = { [Name in AgentName]: (typeof agentKinds)[Name]['sprint'] extends true ? Name : never }[AgentName]

export const agentNames = keysOf(agentKinds)

/** Returns true if burn can run the agent as the backend of a sprint. */
export function isSprintAgent(name: AgentName): name is SprintAgentName {
  return agentKinds[name].sprint
}
