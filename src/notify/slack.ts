/** The channel `slack`: an incoming webhook of Slack, Mattermost or another server with the same format. */
import type { NotifyMessage } from '../core/notify.ts'
import type { Opener } from './channel.ts'
import { post } from './http.ts'

/** The maximum length of a section in a message of Slack, with the escapes. */
const maxSection = 3000
/** The maximum number of sections of a message. Slack accepts 50 blocks. */
const maxSections = 15
/** The maximum length of a line before it is escaped. Escapes make it at most five times as long. */
const maxLine = 500

/** Opens an incoming webhook. Its address is the secret. */
export const openSlack: Opener<'slack'> = (name, { url }, deps) => ({
  kind: 'slack',
  preview: (message) => ({ url: '[secret]', body: content(message) }),
  async send(message) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': message.id }
    await post({ name, url: await deps.secret(url), headers, body: JSON.stringify(content(message)) }, deps)
  },
})

/** Slack parses no markup in plain text, and shows `text` only if it cannot show blocks. Mattermost shows only `text`. */
function content({ id, title, text }: NotifyMessage): object {
  const plain = (words: string) => ({ type: 'plain_text', text: words, emoji: false })
  const sections = sectionsOf(`${title}\n${text}`)
  return {
    text: [...sections, id].join('\n'),
    mrkdwn: false,
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [...sections.map((section) => ({ type: 'section', text: plain(section) })), { type: 'context', elements: [plain(id)] }],
  }
}

/** Returns the escaped text in parts of whole lines. Slack refuses a message with a longer part. */
function sectionsOf(text: string): string[] {
  const sections: string[] = []
  for (const line of text.split('\n').map(escaped)) {
    const last = sections.at(-1)
    if (last !== undefined && last.length + 1 + line.length <= maxSection) sections[sections.length - 1] = `${last}\n${line}`
    else sections.push(line)
  }
  return sections.length <= maxSections ? sections : [...sections.slice(0, maxSections - 1), '…']
}

/** Returns the line with Slack's control characters escaped: `<!channel>` and `<https://…>` are commands to Slack otherwise. */
function escaped(line: string): string {
  return line.slice(0, maxLine).toWellFormed().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
