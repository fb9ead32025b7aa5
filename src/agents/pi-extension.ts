/** An extension for pi that tells its events to the hook. */
import { teller } from './teller.ts'

/** Its source: each of its handlers tells, and answers at once. */
export function extension(hook: string): string {
  return `${teller(hook)}
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
