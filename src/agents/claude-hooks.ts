/** Defines Claude Code's hooks and the settings file that registers them. Qwen Code uses the same hooks and the same file format. */
import type { AgentPlace, Conversations, HookState, HookEvent } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'
import { troubleIn } from './trouble.ts'

const events = ['UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'PermissionRequest', 'Notification', 'Stop', 'StopFailure'] as const
/** The events whose meaning depends on a value in the payload, each with the key of that value. */
const details: Readonly<Record<string, string>> = {
  PermissionRequest: 'tool_name',
  Notification: 'notification_type',
  StopFailure: 'error',
}

/**
 * Returns a settings file that calls the hook for each event. `timeout` has the unit that the agent program expects. With `conversations`,
 * each event also reports the id of the conversation.
 */
export function hookSettings({ hook }: AgentPlace, timeout: number, conversations = false): string {
  const command = (event: string) => {
    const keys = [...(details[event] === undefined ? [] : [details[event]]), ...(conversations ? ['@session_id'] : [])]
    return shellWords([hook, event, ...(keys.length === 0 ? [] : [keys.join(',')])])
  }
  const all = conversations ? ['SessionStart', ...events] : events
  const hooks = Object.fromEntries(all.map((event) => [event, [{ hooks: [{ type: 'command', command: command(event), timeout }] }]]))
  return `${JSON.stringify({ hooks }, null, 2)}\n`
}

/**
 * Returns the worker's state after an event; null if the event shows no state. If Esc ends a turn, no event follows, so only the screen
 * shows the end.
 */
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

/** How Claude Code continues a conversation. It exits if it does not find the conversation. Facts come from running 2.1.197. */
export const claudeConversations: Conversations = {
  resumeArgs: (conversation) => ['--resume', conversation],
}
