/** A plugin for OpenCode that tells its events to the hook. */
import { teller } from './teller.ts'

/**
 * Its source: each of its handlers tells, and answers at once. Events of sub-agents' sessions are not this worker's turn. `unset`: variables to
 * take away from what the agent runs.
 */
export function plugin(hook: string, unset: readonly string[]): string {
  return `${teller(hook)}
const told = /^(?:permission|question)\\.(?:asked|replied|rejected)$|^session\\.idle$/
for (const name of ${JSON.stringify(unset)}) delete process.env[name]
export const burn = async () => {
  const children = new Set()
  return {
    'chat.message': async (_, { parts }) => tell('chat.message', { text: parts.map((part) => part.text ?? '').join('') }),
    event: async ({ event: { type, properties } }) => {
      if (type === 'session.created' && properties.info?.parentID) children.add(properties.info.id)
      if (children.has(properties?.sessionID) && type.startsWith('session.')) return
      if (type === 'session.status') tell(type, { status: properties.status.type }, 'status')
      else if (type === 'session.error') tell(type, { name: properties.error?.name ?? 'unknown' }, 'name')
      else if (told.test(type)) tell(type, {})
    },
  }
}
`
}
