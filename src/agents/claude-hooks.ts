/** Defines Claude Code's hooks and the settings file that registers them. Qwen Code uses the same hooks and the same file format. */
import type { AgentPlace, Conversations, HookState, HookEvent } from '../core/agent.ts'
import { membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { shellWords } from '../host/quote.ts'
import { troubleIn } from './trouble.ts'

const events = ['UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'PermissionRequest', 'Notification', 'Stop', 'StopFailure'] as const
/** The events whose meaning depends on a value in the payload, each with the key of that value. */
const details: Readonly<Record<string, string>> = {
  PermissionRequest: 'tool_name',
  Notification: 'notification_type',
  StopFailure: 'error',
}

/** The file with the settings of the person, relative to the home directory. */
export const claudeSettingsFile = '.claude/settings.json'

/**
 * Returns the settings of a status line that reports the usage limits of the login. Claude Code tells them only to a status line. `own`: the
 * status line of the person, whose command still gets the same input and prints the line; undefined if there is none.
 */
function limitsStatusLine(hook: string, own: JsonObject): JsonObject {
  const command = stringOf(own['command'])
  const report = `${shellWords([hook])} --limits`
  if (command === null) return { type: 'command', command: report }
  const input = `printf '%s\\n' "$burn_input"`
  return { ...own, command: `burn_input=$(cat); ${input} | ${report}; ${input} | eval ${shellWords([command])}` }
}

/** A suggested prompt in the composer looks like a person's draft, and costs a request after each turn. */
const qwenSettings = { ui: { enableFollowupSuggestions: false } }

/**
 * Returns a settings file that calls the hook for each event. `timeout` has the unit that the agent program expects. For Claude Code, each
 * event also reports the id of the conversation, and the status line reports usage limits. For Qwen Code, suggested prompts are off.
 */
export function hookSettings({ hook, configs }: AgentPlace, timeout: number, isClaude = false): string {
  const command = (event: string) => {
    const keys = [...(details[event] === undefined ? [] : [details[event]]), ...(isClaude ? ['@session_id'] : [])]
    return shellWords([hook, event, ...(keys.length === 0 ? [] : [keys.join(',')])])
  }
  const all = isClaude ? ['SessionStart', ...events] : events
  const hooks = Object.fromEntries(all.map((event) => [event, [{ hooks: [{ type: 'command', command: command(event), timeout }] }]]))
  const own = membersOf(membersOf(configs.get(claudeSettingsFile))['statusLine'])
  const others = isClaude ? { statusLine: limitsStatusLine(hook, own) } : qwenSettings
  return `${JSON.stringify({ hooks, ...others }, null, 2)}\n`
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
