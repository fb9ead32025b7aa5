/** Checks the regular expressions in a spec: their syntax, and how long a match may take. */
import { messageOf } from '../core/errors.ts'

const maxLength = 500
/** burn matches a pattern against at most this number of characters at the start of a screen row. */
const columns = 300
/** The maximum number of ways in which a pattern may match a row. It allows three unbounded repeats and one of up to ten characters. */
const maxWays = 10 * columns ** 3

/** Returns the syntax error of a regular expression; null if it has none. */
export function patternError(pattern: string, flags: string): string | null {
  try {
    RegExp(pattern, flags)
    return null
  } catch (thrown) {
    return messageOf(thrown).replace(/^Invalid regular expression: /, '')
  }
}

/** Returns the number of capturing groups in a pattern. */
export function countGroups(pattern: string): number {
  return (RegExp(`${pattern}|`, 'u').exec('')?.length ?? 1) - 1
}

interface Group {
  /** True if a part of the group can match in several ways, because the part is repeated or has alternatives. */
  varies: boolean
}

/**
 * Returns the reason why a pattern may take exponential time; null if there is none. It refuses a repeated group that contains a repeat or
 * an alternative, a reference to a group, and too many unbounded repeats. It judges only the syntax, so it may refuse a fast pattern.
 */
export function slowPatternReason(pattern: string): string | null {
  if (pattern.length > maxLength) return `must not be longer than ${maxLength} characters`
  const open: Group[] = [{ varies: false }]
  let ways = 1
  let anchored = pattern.startsWith('^')
  for (const { 0: token, groups = {} } of pattern.matchAll(tokens)) {
    const { repeated, close } = groups
    const inner = open.at(-1)!
    if (/^\\(?:[1-9]|k<)/u.test(token)) return 'must not refer to a group: that may take forever'
    if (token.startsWith('(') && close === undefined) open.push({ varies: false })
    else if (token === '|') {
      inner.varies = true
      if (open.length === 1) anchored = false
    } else if (close !== undefined) {
      const closed = open.length > 1 ? open.pop()! : inner
      if (closed.varies && repeated !== undefined && repeated !== '?')
        return 'must not repeat a group that contains a repeat or an alternative: that may take forever'
      open.at(-1)!.varies ||= closed.varies || repeated !== undefined
    } else if (repeated !== undefined) inner.varies = true
    ways *= waysOf(repeated)
  }
  if (ways * (anchored ? 1 : columns) <= maxWays) return null
  return `has too many repeats without a limit${anchored ? '' : ', and does not begin with "^"'}: write {0,9} in place of *`
}

/** Returns the number of lengths that a token with this quantifier can match, at most `columns`. */
function waysOf(repeated = '{1}'): number {
  if (repeated === '?') return 2
  const [, min = '0', comma, max = ''] = /^\{(\d+)(,)?(\d*)\}$/u.exec(repeated) ?? ['', '0', ',']
  if (comma === undefined) return 1
  return Math.min(columns, max === '' ? columns : Number(max) - Number(min) + 1)
}

/** Matches one token of a pattern with its quantifier: an escape, a character class, the start or end of a group, a `|`, or a character. */
const tokens =
  /(?:\\(?:[pPu]\{[^}]*\}|k<[^>]*>|\d+|[^])|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?|(?<close>\))|[^])(?<repeated>[*+?]|\{\d+(?:,\d*)?\})?/gu
