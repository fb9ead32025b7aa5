/** An extension for pi that tells its events to the hook. */

/** Its source: it calls the hook, never waits for it, and never throws. */
export function extension(hook: string): string {
  return `import { spawn } from 'node:child_process'
const hook = ${JSON.stringify(hook)}
function tell(event, payload, key) {
  try {
    const child = spawn(hook, key === undefined ? [event] : [event, key], { stdio: ['pipe', 'ignore', 'ignore'] })
    child.on('error', () => {})
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify({ event, ...payload }))
    child.unref()
  } catch {}
}
export default function (pi) {
  pi.on('input', (event) => tell('input', { text: event.text }))
  pi.on('agent_start', () => tell('agent_start', {}))
  pi.on('tool_call', (event) => tell('tool_call', { tool_name: event.toolName }, 'tool_name'))
  pi.on('agent_end', (event) => {
    const last = event.messages.findLast((message) => message.role === 'assistant')
    tell('agent_end', { stop_reason: last?.stopReason ?? 'stop' }, 'stop_reason')
  })
}
`
}
