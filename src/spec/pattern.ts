/** Regular expressions of a spec: whether they are any, and whether they may take for ever. */
import { messageOf } from '../core/errors.ts'

const longest = 500
/** Rows are cut off at 300 columns before they are matched. */
const columns = 300
/** Ways to match a row, at the most: three repeats without a bound, which took 0.2 s where all of them overlap, and a short one. */
const mostWays = 10 * columns ** 3

/** Why this is no regular expression; null where it is one. */
export function whyNoPattern(pattern: string, flags: string): string | null {
  try {
    RegExp(pattern, flags)
    return null
  } catch (thrown) {
    return messageOf(thrown).replace(/^Invalid regular expression: /, '')
  }
}

/** How many groups of a pattern capture. */
export function groupsOf(pattern: string): number {
  return (RegExp(`${pattern}|`, 'u').exec('')?.length ?? 1) - 1
}

interface Group {
  /** Something in it may be matched in more than one way: repeated, or one of several. */
  varies: boolean
}

/**
 * Why a pattern may take time that grows exponentially with a row, as far as that shows in how it is written: something that varies, repeated as
 * a whole; or a reference to a group. Some that would be harmless are refused with them. Null where neither is there.
 */
export function whySlow(pattern: string): string | null {
  if (pattern.length > longest) return `must not be longer than ${longest} characters`
  const open: Group[] = [{ varies: false }]
  let ways = 1
  let anchored = pattern.startsWith('^')
  for (const { 0: token, groups = {} } of pattern.matchAll(tokens)) {
    const { repeated, close } = groups
    const inner = open.at(-1)!
    if (/^\\(?:[1-9]|k<)/u.test(token)) return 'must not refer to a group: that may take for ever'
    if (token.startsWith('(') && close === undefined) open.push({ varies: false })
    else if (token === '|') {
      inner.varies = true
      if (open.length === 1) anchored = false
    } else if (close !== undefined) {
      const closed = open.length > 1 ? open.pop()! : inner
      if (closed.varies && repeated !== undefined && repeated !== '?')
        return 'repeats a group in which something is repeated or chosen: that may take for ever'
      open.at(-1)!.varies ||= closed.varies || repeated !== undefined
    } else if (repeated !== undefined) inner.varies = true
    ways *= waysOf(repeated)
  }
  if (ways * (anchored ? 1 : columns) <= mostWays) return null
  return `repeats too often without a bound${anchored ? '' : ', and does not begin with "^"'}: write {0,9} in place of *`
}

/** In how many ways a token may be matched that may stand so often. */
function waysOf(repeated = '{1}'): number {
  if (repeated === '?') return 2
  const [, least = '0', comma, most = ''] = /^\{(\d+)(,)?(\d*)\}$/u.exec(repeated) ?? ['', '0', ',']
  if (comma === undefined) return 1
  return Math.min(columns, most === '' ? columns : Number(most) - Number(least) + 1)
}

/** An escape, a class, a group's begin, its end, an alternative or a sign, each with how often it may stand. */
const tokens =
  /(?:\\(?:[pPu]\{[^}]*\}|k<[^>]*>|\d+|[^])|\[(?:\\[^]|[^\]\\])*\]|\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?|(?<close>\))|[^])(?<repeated>[*+?]|\{\d+(?:,\d*)?\})?/gu
