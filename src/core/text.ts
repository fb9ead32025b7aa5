/** Functions for text in terminals and messages: they remove control characters, shorten text, and format counts. */

/**
 * Matches most texts: Latin, Greek, Cyrillic, symbols, box-drawing characters and CJK. Such a text contains nothing that `unprintable`
 * matches, so `sanitize` can skip its slower replacements.
 */
const plain = /^[\t\n\x20-\x7e\u00a0-\u0600\u2010-\u2027\u2030-\u205f\u2070-\ud7ff]*$/
const unprintable =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu

/**
 * Returns the text without control characters other than newline and tab, so that it is safe to type into a terminal. C0 and C1 controls
 * and DEL could end a bracketed paste. Invisible Unicode controls, such as bidi, could hide a part of a prompt. CR and CRLF become
 * newlines.
 */
export function sanitize(text: string): string {
  if (plain.test(text)) return text
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u2028\u2029]/g, '\n')
    .replace(unprintable, '')
    .toWellFormed()
}

/** Returns the text as `sanitize` does, on one line of at most `limit` characters. */
export function oneLine(text: string, limit = 200): string {
  const flat = sanitize(text).replace(/\s+/g, ' ').trim()
  const points = Array.from(flat)
  return points.length <= limit ? flat : `${points.slice(0, limit - 1).join('')}…`
}

/**
 * Returns the JSON with escapes in place of all characters that `sanitize` removes. The parsed value stays the same, and the JSON contains
 * no control sequences for a terminal.
 */
export function escapeUnprintable(json: string): string {
  if (plain.test(json)) return json
  return json.replace(/[\u2028\u2029]/g, escaped).replace(unprintable, escaped)
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('')
}

/** Returns a number with its noun, such as `1 machine` or `2 branches`. `plural` is needed only if the plural is not the noun with an s. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}

/**
 * Returns the text for HTML, in an element or in a quoted attribute. It removes control characters, and characters that hide text or change
 * its direction.
 */
export function escapeHtml(text: string): string {
  return sanitize(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
