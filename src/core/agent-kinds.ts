/** The agent programs that burn knows. Each has its record in src/agents/index.ts, which does not compile without it. */
import { keysOf } from './json.ts'

export const agentKinds = {
  hermes: { sprint: true, runs: [] },
  claude: { sprint: true, runs: ['.claude/settings*.json', '.claude/hooks/**'] },
  codex: { sprint: true, runs: ['.codex/**'] },
  gemini: { sprint: false, runs: ['.gemini/settings.json'] },
  opencode: { sprint: true, runs: [] },
  pi: { sprint: false, runs: [] },
  qwen: { sprint: false, runs: ['.qwen/settings.json'] },
  shell: { sprint: false, runs: [] },
  custom: { sprint: true, runs: [] },
} as const satisfies Readonly<Record<string, AgentAbilities>>

/** What a kind can do beside being typed to in a pane. */
interface AgentAbilities {
  /** burn can run it from a command line, as the backend of a sprint. */
  readonly sprint: boolean
  /** Globs of its files in a repo that it runs or obeys by itself, such as hooks: a change to one is shown to a person before it is pushed. */
  readonly runs: readonly string[]
}

/** A name that may stand in `agent.kind` of the spec. */
export type AgentName = keyof typeof agentKinds
/** A name that may stand in `agent` of a sprint's backend. */
export type SprintAgentName = { [Name in AgentName]: (typeof agentKinds)[Name]['sprint'] extends true ? Name : never }[AgentName]

/** Globs of the files in a repo that some agent runs by itself. */
export const agentsRun: readonly string[] = Object.values(agentKinds).flatMap(({ runs }) => runs)

export const agentNames = keysOf(agentKinds)

/** Returns true if burn can run the agent as the backend of a sprint. */
export function isSprintAgent(name: AgentName): name is SprintAgentName {
  return agentKinds[name].sprint
}
