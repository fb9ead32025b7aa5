/** Hooks by the names that Claude Code gave them; Qwen Code took them over. */
import type { AgentPlace, HookState, HookEvent } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'
import { troubleIn } from './trouble.ts'

const events = ['UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'PermissionRequest', 'Notification', 'Stop', 'StopFailure'] as const
/** The payload's key that an event's meaning depends on. */
const details: Readonly<Record<string, string>> = {
  PermissionRequest: 'tool_name',
  Notification: 'notification_type',
  StopFailure: 'error',
}

/** A settings file that calls the hook for each event. `timeout`: in the program's own unit. */
export function hookSettings({ hook }: AgentPlace, timeout: number): string {
  const command = (event: string) => shellWords([hook, event, ...(details[event] === undefined ? [] : [details[event]])])
  const hooks = Object.fromEntries(events.map((event) => [event, [{ hooks: [{ type: 'command', command: command(event), timeout }] }]]))
  return `${JSON.stringify({ hooks }, null, 2)}\n`
}

/** Esc ends a turn without an event: the screen tells that. */
export function claudeHookState({ event, detail }: Pick<HookEvent, 'event' | 'detail'>): HookState | null {
  switch (event) {
    case 'UserPromptSubmit':
    case 'PreToolUse':
    case 'PostToolUse':
      return { state: 'working', detail: null }
    case 'PermissionRequest':
      return { state: 'waiting', detail: detail === 'AskUserQuestion' ? 'question' : 'approval' }
    case 'Notification':
      return detail === 'permission_prompt' ? { state: 'waiting', detail: 'approval' } : null
    case 'Stop':
      return { state: 'idle', detail: null }
    case 'StopFailure':
      return { state: 'error', detail: troubleIn(detail ?? '') }
    default:
      return null
  }
}
