/** Most texts, which need no other look: Latin, Greek, Cyrillic, signs, frames and CJK, without anything that `unprintable` has. */
const plain = /^[\t\n\x20-\x7e\u00a0-\u0600\u2010-\u2027\u2030-\u205f\u2070-\ud7ff]*$/
const unprintable =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

/**
 * Text that may be typed into a terminal: without C0 controls but newline and tab, DEL, C1 controls, and Unicode bidi and
 * other invisible controls, which could end a bracketed paste or hide what a prompt says. CR and CRLF become newlines.
 */
export function sanitize(text: string): string {
  if (plain.test(text)) return text
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u2028\u2029]/g, '\n')
    .replace(unprintable, '')
    .toWellFormed()
}

/** The same, on one line of at most `limit` characters. */
export function oneLine(text: string, limit = 200): string {
  const flat = sanitize(text).replace(/\s+/g, ' ').trim()
  const points = Array.from(flat)
  return points.length <= limit ? flat : `${points.slice(0, limit - 1).join('')}…`
}

/** JSON in which all that `sanitize` would take away is escaped: the same value, and nothing that a terminal obeys. */
export function escapeUnprintable(json: string): string {
  if (plain.test(json)) return json
  return json.replace(/[\u2028\u2029]/g, escaped).replace(unprintable, escaped)
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('')
}

/** Returns a number with its noun, such as `1 machine` or `2 branches`. `plural` is needed only if it is not the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}
