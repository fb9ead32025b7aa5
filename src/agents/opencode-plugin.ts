/** A plugin for OpenCode that tells its events to the hook. */

/**
 * Its source: it calls the hook, never waits for it, and never throws. Events of sub-agents' sessions are not this worker's turn. `unset`: variables to
 * take away from what the agent runs.
 */
export function plugin(hook: string, unset: readonly string[]): string {
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
const told = /^(?:permission|question)\\.(?:asked|replied|rejected)$|^session\\.(?:error|idle)$/
for (const name of ${JSON.stringify(unset)}) delete process.env[name]
export const burn = async () => {
  const children = new Set()
  return {
    'chat.message': async (_, { parts }) => tell('chat.message', { text: parts.map((part) => part.text ?? '').join('') }),
    event: async ({ event: { type, properties } }) => {
      if (type === 'session.created' && properties.info?.parentID) children.add(properties.info.id)
      if (children.has(properties?.sessionID) && type.startsWith('session.')) return
      if (type === 'session.status') tell(type, { status: properties.status.type }, 'status')
      else if (told.test(type)) tell(type, {})
    },
  }
}
`
}
