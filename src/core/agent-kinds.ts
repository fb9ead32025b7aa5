/** The agent programs that burn supports. `src/agents/index.ts` has a record for each program, and does not compile if one is missing. */
import { keysOf } from './json.ts'

/** The kinds of agent programs with their abilities, in the order in which burn lists them. */
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

/** The abilities of an agent kind. Every kind can run in a pane, too. */
interface AgentAbilities {
  /** burn can run the program as the backend of a sprint. */
  readonly sprint: boolean
  /**
   * Globs of the files in a repo that the agent runs or follows automatically, such as hooks. A sprint that changes such a file needs the
   * approval of a person before burn pushes.
   */
  readonly runs: readonly string[]
}

/** A value of `agent.kind` in the spec. */
export type AgentName = keyof typeof agentKinds
/** A value of `agent` in a sprint backend of the spec. */
export type SprintAgentName = { [Name in AgentName]: (typeof agentKinds)[Name]['sprint'] extends true ? Name : never }[AgentName]

/** Globs of the files in a repo that any supported agent runs or follows automatically. */
export const agentsRun: readonly string[] = Object.values(agentKinds).flatMap(({ runs }) => runs)

/** The names of all agent kinds. */
export const agentNames = keysOf(agentKinds)

/** The kinds that have a program of their own, which burn can find on a computer. */
export const programNames = agentNames.filter((kind) => kind !== 'shell' && kind !== 'custom')

/** Returns true if burn can run the agent as the backend of a sprint. */
export function isSprintAgent(name: AgentName): name is SprintAgentName {
  return agentKinds[name].sprint
}

/**
 * Returns the name of a worker's agent, which is unique on its machine, for example for a profile of the agent. It has only lowercase
 * letters, digits, `-` and `_`.
 */
export function agentName(fleet: string, { window, name }: { readonly window: string; readonly name: string }): string {
  return `burn-${fleet}-${window}-${name}`.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-')
}
