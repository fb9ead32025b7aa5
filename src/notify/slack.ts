/** The channel `slack`: an incoming webhook of Slack, Mattermost or another server with the same format. */
import type { NotifyMessage } from '../core/notify.ts'
import type { Opener } from './channel.ts'
import { post } from './http.ts'

/** The maximum length of a section in a message of Slack. */
const maxLength = 3000

/** Opens an incoming webhook. Its address is the secret. */
export const openSlack: Opener<'slack'> = (name, { url }, deps) => ({
  kind: 'slack',
  preview: (message) => ({ url: '[secret]', body: content(message) }),
  async send(message) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': message.id }
    await post({ name, url: await deps.secret(url), headers, body: JSON.stringify(content(message)) }, deps)
  },
})

/** Slack parses no markup in plain text, and `text` is only shown where blocks are not. */
function content({ id, title, text }: NotifyMessage): object {
  const plain = (words: string) => ({ type: 'plain_text', text: words, emoji: false })
  return {
    text: escaped(title),
    mrkdwn: false,
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'section', text: plain(escaped(`${title}\n${text}`)) },
      { type: 'context', elements: [plain(id)] },
    ],
  }
}

/** Returns the text with Slack's control characters escaped: `<!channel>` and `<https://…>` are commands to Slack otherwise. */
function escaped(text: string): string {
  return text
    .slice(0, maxLength / 2)
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
