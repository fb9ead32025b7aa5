/** The agent kinds that are known, by name. */
import { BurnError } from '../core/errors.ts'
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentKind, Look, PaneFacts } from '../core/agent.ts'
import { nearest } from '../core/suggest.ts'
import { claude } from './claude.ts'
import { codex } from './codex.ts'
import { customKind } from './custom.ts'
import { gemini } from './gemini.ts'
import { hermes } from './hermes.ts'
import { opencode } from './opencode.ts'
import { pi } from './pi.ts'
import { qwen } from './qwen.ts'
import { shell } from './shell.ts'

const widthless = /[\u200b-\u200f\u2060\ufeff]/u

/** Characters without a width say nothing of where things stand, and tmux may keep one with what stands behind it: at a row's end, with the next row's frame. */
function legible(kind: AgentKind): AgentKind {
  const look: AgentKind['look'] = (screen, pane) =>
    kind.look(
      screen.some((row) => widthless.test(row)) ? screen.map((row) => row.replaceAll(new RegExp(widthless, 'gu'), '')) : screen,
      pane,
    )
  return { ...kind, look }
}

const kinds: ReadonlyMap<string, AgentKind> = new Map(
  [hermes, claude, codex, gemini, opencode, pi, qwen, shell].map((kind) => [kind.kind, legible(kind)]),
)

/** Names that may stand in `agent.kind`. */
export const agentKinds: readonly string[] = [...kinds.keys(), 'custom']

type Named = Pick<AgentConfig, 'kind' | 'custom'>

export type KindOf = (config: Named) => AgentKind

/** `agentKind` that makes each kind once, and reads each screen once, however often it is asked. */
export function kindsOnce(): KindOf {
  const known = new Map<AgentKind['kind'] | Named['custom'], AgentKind>()
  return (config) => {
    const name = config.kind === 'custom' ? config.custom : config.kind
    const kind = known.get(name) ?? reading(agentKind(config))
    known.set(name, kind)
    return kind
  }
}

/** The same kind, which remembers what it read of a pane with a screen: the breaker and each text for an agent ask for it. */
function reading(kind: AgentKind): AgentKind {
  const read = new WeakMap<readonly string[], { readonly pane: PaneFacts; readonly look: Look }>()
  const look: AgentKind['look'] = (screen, pane) => {
    const before = read.get(screen)
    if (before?.pane === pane) return before.look
    const found = kind.look(screen, pane)
    read.set(screen, { pane, look: found })
    return found
  }
  return { ...kind, look }
}

/** The kind of that name; for `custom`, as the spec declares it. Throws BurnError `agent_unknown` (exit 2) with the names there are. */
export function agentKind({ kind, custom }: Named): AgentKind {
  const found = kind === 'custom' ? legible(customKind(custom)) : kinds.get(kind)
  if (found !== undefined) return found
  const near = nearest(kind, agentKinds)
  const hint = `${near === null ? '' : `did you mean ${near}? `}Kinds: ${agentKinds.join(', ')}`
  throw new BurnError('agent_unknown', `there is no agent kind ${JSON.stringify(kind)}`, hint, { exit: 2 })
}
