/** The registry of agent kinds: one record for each kind, with the functions that burn has for this program. */
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

const zeroWidth = /[\u200b-\u200f\u2060\ufeff]/u

/**
 * Removes characters without a width before a screen is read. Such characters shift the columns. If a row ends with such a character, tmux
 * may join the character to the frame of the next row.
 */
function withoutZeroWidth(kind: PaneAgent): PaneAgent {
  const parseScreen: PaneAgent['parseScreen'] = (screen, pane) =>
    kind.parseScreen(
      screen.some((row) => zeroWidth.test(row)) ? screen.map((row) => row.replaceAll(new RegExp(zeroWidth, 'gu'), '')) : screen,
      pane,
    )
  return { ...kind, parseScreen }
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

/** Returns the pane agent for a configuration. */
export type PaneAgentOf = (config: Named) => PaneAgent

/** Returns a cached version of `paneAgent`, which creates each kind once and parses each screen once. */
export function paneAgentCache(): PaneAgentOf {
  const known = new Map<PaneAgent['kind'] | Named['custom'], PaneAgent>()
  return (config) => {
    const name = config.kind === 'custom' ? config.custom : config.kind
    const kind = known.get(name) ?? cacheScreens(paneAgent(config))
    known.set(name, kind)
    return kind
  }
}

/** Caches the parsed screen of each pane, because the circuit breakers and each delivery need the same parsed screen. */
function cacheScreens(kind: PaneAgent): PaneAgent {
  const cache = new WeakMap<readonly string[], { readonly pane: PaneFacts; readonly parsed: ParsedScreen }>()
  const parseScreen: PaneAgent['parseScreen'] = (screen, pane) => {
    const cached = cache.get(screen)
    if (cached?.pane === pane) return cached.parsed
    const parsed = kind.parseScreen(screen, pane)
    cache.set(screen, { pane, parsed })
    return parsed
  }
  return { ...kind, parseScreen }
}

/** Returns the agent as the backend of a sprint. */
export function sprintAgent(name: SprintAgentName): SprintAgent {
  return kinds[name].sprint
}

/**
 * Returns the agent in a pane. For `custom`, this is the agent that the spec declares. Throws BurnError `agent_unknown` (exit 2) with the
 * known kinds.
 */
export function paneAgent({ kind, custom }: { readonly kind: string; readonly custom?: Named['custom'] }): PaneAgent {
  const name = agentNames.find((known) => known === kind)
  if (name !== undefined) return withoutZeroWidth(kinds[name].pane(custom))
  const near = nearest(kind, agentNames)
  const hint = `${near === null ? '' : `did you mean ${near}? `}Kinds: ${agentNames.join(', ')}`
  throw new BurnError('agent_unknown', `there is no agent kind ${JSON.stringify(kind)}`, hint, { exit: 2 })
}
