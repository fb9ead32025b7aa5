/**
 * Runs shell hooks as Hermes does: named in `$HERMES_HOME/config.yaml` (here JSON, which is valid YAML), JSON on stdin, one after the
 * other.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

function configured(home) {
  if (home === undefined) return {}
  try {
    return JSON.parse(readFileSync(join(home, 'config.yaml'), 'utf8')).hooks ?? {}
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

/** Hermes' names and payloads for the events of the log. A failed turn has no end event. */
const hookEvents = {
  turn_start: ({ text }, session) => [['pre_llm_call', { extra: { task_id: session, user_message: text } }]],
  turn_end: ({ outcome, reason }, session) =>
    outcome === 'failed'
      ? [['api_request_error', { extra: { task_id: session, retryable: false, reason } }]]
      : [
          ['post_llm_call', { extra: { task_id: session } }],
          [
            'on_session_end',
            {
              extra: {
                task_id: session,
                completed: outcome === 'done',
                failed: false,
                interrupted: outcome === 'interrupted',
                turn_exit_reason: outcome === 'done' ? 'text_response(finish_reason=stop)' : 'interrupted_during_api_call',
              },
            },
          ],
        ],
  asked: ({ kind }) =>
    kind === 'approval'
      ? [
          ['pre_approval_request', { extra: { surface: 'smart' } }],
          ['pre_approval_request', { extra: { surface: 'cli' } }],
        ]
      : [['pre_tool_call', { tool_name: 'clarify' }]],
  answered: ({ kind }) => [kind === 'approval' ? ['post_approval_response', {}] : ['post_tool_call', { tool_name: 'clarify' }]],
}

/** Returns the function that must be called with every event of the log. `session`: the id of the conversation. */
export function hookRunner(env, session) {
  const hooks = configured(env.HERMES_HOME)
  let before = Promise.resolve()
  const run = async (command, payload) => {
    // Loaded at the first hook, because most agents call none.
    const { spawn } = await import('node:child_process')
    await new Promise((done) => {
      const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'ignore', 'ignore'], env })
      child.stdin.on('error', () => {})
      child.stdin.end(JSON.stringify(payload))
      child.on('close', done)
    })
  }
  return (event, fields) => {
    for (const [name, payload] of hookEvents[event]?.(fields, session) ?? []) {
      for (const { command } of hooks[name] ?? []) {
        before = before.then(() => run(command, { hook_event_name: name, session_id: session, cwd: env.PWD ?? '', ...payload }))
      }
    }
  }
}
