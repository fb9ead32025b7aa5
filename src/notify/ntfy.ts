/** The channel `ntfy`: push messages to phones and browsers, through ntfy.sh or an own server. */
import type { NotifyMessage } from '../core/notify.ts'
import type { Opener } from './channel.ts'
import { readAddress, shownAddress } from './channel.ts'
import { post } from './http.ts'

/** ntfy turns a longer text into an attachment. */
const maxBytes = 4000

/**
 * Opens a topic of an ntfy server. burn publishes as JSON, so no text gets into a header. `sequence_id` makes ntfy 2.16 and newer replace a
 * message that it receives again.
 */
export const openNtfy: Opener<'ntfy'> = (name, { url, topic, token, priority }, deps) => {
  const content = ({ id, title, text }: NotifyMessage, to: string) => {
    return { topic: to, title, message: `${shortened(text, maxBytes - id.length)}\n${id}`, priority, sequence_id: id }
  }
  return {
    kind: 'ntfy',
    preview: (message) => ({ url, body: content(message, shownAddress(topic)) }),
    async send(message) {
      const login = token === null ? {} : { authorization: `Bearer ${await deps.secret(token)}` }
      const headers = { 'content-type': 'application/json', 'idempotency-key': message.id, ...login }
      await post({ name, url, headers, body: JSON.stringify(content(message, await readAddress(topic, deps))) }, deps)
    },
  }
}

function shortened(text: string, limit: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= limit
    ? text
    : `${bytes
        .subarray(0, limit)
        .toString()
        .replace(/\ufffd+$/, '')}…`
}
