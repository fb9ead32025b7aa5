/** Calculates how many columns of a terminal a text takes. */
import { once } from './memo.ts'

/**
 * Matches texts of characters that take one column each. This covers most output and avoids `Intl.Segmenter`, whose first use is slow. The
 * ranges are written out, because a Unicode property class is slow to compile.
 */
export const singleWidth =
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u058f\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u25ff-\u2613\u2694-\u26a0\u270c-\u2727\u2729-\u274b\u2758-\u2794\u2798-\u27af]*$/

const segmenter = once(() => new Intl.Segmenter())

/** Returns the segments of a text that a person sees as one character each. */
export function segmentsOf(text: string): Iterable<{ readonly segment: string }> {
  return segmenter().segment(text)
}

/** Returns the number of columns that a text takes in a terminal. Wide characters take two columns, combining marks none. */
export function textWidth(text: string): number {
  if (singleWidth.test(text)) return text.length
  let width = 0
  for (const { segment } of segmentsOf(text)) width += segmentWidth(segment)
  return width
}

/** Returns the number of columns of one segment: 0, 1 or 2. */
export function segmentWidth(segment: string): number {
  if (/^\p{M}|^\p{Cf}/u.test(segment)) return 0
  if (/\ufe0f|\p{Emoji_Presentation}/u.test(segment)) return 2
  const point = segment.codePointAt(0) ?? 0
  const wide =
    (point >= 0x1100 && point <= 0x115f) ||
    (point >= 0x2e80 && point <= 0xa4cf) ||
    (point >= 0xac00 && point <= 0xd7a3) ||
    (point >= 0xf900 && point <= 0xfaff) ||
    (point >= 0xfe30 && point <= 0xfe6f) ||
    (point >= 0xff00 && point <= 0xff60) ||
    (point >= 0xffe0 && point <= 0xffe6) ||
    (point >= 0x20000 && point <= 0x3fffd)
  return wide ? 2 : 1
}
