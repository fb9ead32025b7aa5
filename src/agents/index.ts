/** The registry of agent kinds: one record each, with what burn can do with the program. */
import type { AgentKind, ParsedScreen, PaneAgent, PaneFacts, SprintAgent } from '../core/agent.ts'
import type { AgentConfig } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { agentNames, type AgentName, type SprintAgentName } from '../core/agent-kinds.ts'
import { nearest } from '../core/suggest.ts'
import { claude, claudeSprint } from './claude.ts'
import { codex, codexSprint } from './codex.ts'
import { customKind, customSprint } from './custom.ts'
import { gemini } from './gemini.ts'
import { hermes, hermesSprint } from './hermes.ts'
import { opencode, opencodeSprint } from './opencode.ts'
import { pi } from './pi.ts'
import { qwen } from './qwen.ts'
import { shell } from './shell.ts'

const widthless = /[\u200b-\u200f\u2060\ufeff]/u

/** Characters without a width say nothing of where things stand, and tmux may keep one with what stands behind it: at a row's end, with the next row's frame. */
function legible(kind: PaneAgent): PaneAgent {
  const look: PaneAgent['parseScreen'] = (screen, pane) =>
    kind.parseScreen(
      screen.some((row) => widthless.test(row)) ? screen.map((row) => row.replaceAll(new RegExp(widthless, 'gu'), '')) : screen,
      pane,
    )
  return { ...kind, parseScreen: look }
}

const kinds: { readonly [Name in AgentName]: AgentKind & { readonly sprint: Name extends SprintAgentName ? SprintAgent : null } } = {
  hermes: { pane: () => hermes, sprint: hermesSprint },
  claude: { pane: () => claude, sprint: claudeSprint },
  codex: { pane: () => codex, sprint: codexSprint },
  gemini: { pane: () => gemini, sprint: null },
  opencode: { pane: () => opencode, sprint: opencodeSprint },
  pi: { pane: () => pi, sprint: null },
  qwen: { pane: () => qwen, sprint: null },
  shell: { pane: () => shell, sprint: null },
  custom: { pane: customKind, sprint: customSprint },
}

type Named = Pick<AgentConfig, 'kind' | 'custom'>

export type KindOf = (config: Named) => PaneAgent

/** Returns a `paneAgent` that makes each kind once and reads each screen once. */
export function paneAgentCache(): KindOf {
  const known = new Map<PaneAgent['kind'] | Named['custom'], PaneAgent>()
  return (config) => {
    const name = config.kind === 'custom' ? config.custom : config.kind
    const kind = known.get(name) ?? reading(paneAgent(config))
    known.set(name, kind)
    return kind
  }
}

/** Caches what was read of a pane with a screen, because breakers and each text for its agent ask for the same. */
function reading(kind: PaneAgent): PaneAgent {
  const read = new WeakMap<readonly string[], { readonly pane: PaneFacts; readonly look: ParsedScreen }>()
  const look: PaneAgent['parseScreen'] = (screen, pane) => {
    const before = read.get(screen)
    if (before?.pane === pane) return before.look
    const found = kind.parseScreen(screen, pane)
    read.set(screen, { pane, look: found })
    return found
  }
  return { ...kind, parseScreen: look }
}

/** Returns the agent as the backend of a sprint. */
export function sprintAgent(name: SprintAgentName): SprintAgent {
  return kinds[name].sprint
}

/** Returns the agent in a pane; for `custom`, as the spec declares it. Throws BurnError `agent_unknown` (exit 2) with the known kinds. */
export function paneAgent({ kind, custom }: { readonly kind: string; readonly custom?: Named['custom'] }): PaneAgent {
  const name = agentNames.find((known) => known === kind)
  if (name !== undefined) return legible(kinds[name].pane(custom))
  const near = nearest(kind, agentNames)
  const hint = `${near === null ? '' : `did you mean ${near}? `}Kinds: ${agentNames.join(', ')}`
  throw new BurnError('agent_unknown', `there is no agent kind ${JSON.stringify(kind)}`, hint, { exit: 2 })
}
