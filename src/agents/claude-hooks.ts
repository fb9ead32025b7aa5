/** The hooks of Claude Code, and their settings file. Qwen Code took over both. */
import type { AgentPlace, HookState, HookEvent } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'
import { troubleIn } from './trouble.ts'

const events = ['UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'PermissionRequest', 'Notification', 'Stop', 'StopFailure'] as const
/** The keys of payloads whose values decide what an event means. */
const details: Readonly<Record<string, string>> = {
  PermissionRequest: 'tool_name',
  Notification: 'notification_type',
  StopFailure: 'error',
}

/** Returns a settings file that calls the hook for each event. `timeout` is in the program's own unit. */
export function hookSettings({ hook }: AgentPlace, timeout: number): string {
  const command = (event: string) => shellWords([hook, event, ...(details[event] === undefined ? [] : [details[event]])])
  const hooks = Object.fromEntries(events.map((event) => [event, [{ hooks: [{ type: 'command', command: command(event), timeout }] }]]))
  return `${JSON.stringify({ hooks }, null, 2)}\n`
}

/** Returns the state that an event means; null if it means none. Esc ends a turn without an event, so only the screen shows that. */
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
