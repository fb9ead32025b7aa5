/**
 * Draws like a prompt_toolkit program without full screen: output above; below it status bar, rule, composer and rule, which it repaints.
 */

const maxRows = 8
const compactBelow = 64

function widthOf(char) {
  const code = char.codePointAt(0)
  if (code < 0x1100 || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f)) return code === 0x200d || code >= 0xfe00 ? 0 : 1
  const wide =
    code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff)
  return wide || (code >= 0xff00 && code <= 0xff60) || (code >= 0x1f300 && code <= 0x1faff) || code >= 0x20000 ? 2 : 1
}

/** Returns the width of a text in terminal columns. */
export function cells(text) {
  let sum = 0
  for (const char of text) sum += widthOf(char)
  return sum
}

/** Returns the rows that a line takes on a screen of that width. */
export function wrap(line, width) {
  const rows = ['']
  let used = 0
  for (const char of line) {
    const cell = widthOf(char)
    if (used + cell > width) {
      rows.push('')
      used = 0
    }
    rows[rows.length - 1] += char
    used += cell
  }
  return rows
}

function cut(text, width) {
  return cells(text) <= width ? text : `${wrap(text, width - 3)[0]}...`
}

/** `state()` returns {status: {wide, narrow}, prompt: {wide, narrow}, text, placeholder, overlay, hint}. */
export function createScreen(out, state, lagMs) {
  let drawn = 0
  let cursorRow = 0
  let pending = []
  let timer = null

  function chrome(width) {
    const { status, prompt, text, placeholder, overlay, hint } = state()
    const compact = width < compactBelow
    const head = compact ? prompt.narrow : prompt.wide
    const shown = text === '' ? placeholder : text
    const composer = `${head}${shown}`.split('\n').flatMap((line) => wrap(line, width))
    const typed = `${head}${text}`.split('\n').flatMap((line) => wrap(line, width))
    const first = Math.max(0, typed.length - maxRows)
    const above = [...overlay, ...(hint === '' ? [] : [hint]), cut(compact ? status.narrow : status.wide, width), '─'.repeat(width)].map(
      (row) => cut(row, width),
    )
    const rows = [...above, ...composer.slice(first, first + maxRows), ...(compact ? [] : ['─'.repeat(width)])]
    return { rows, row: above.length + typed.length - first - 1, column: Math.min(cells(typed.at(-1)), width - 1) }
  }

  function paint(lines) {
    const width = out.columns || 80
    const { rows, row, column } = chrome(width)
    const up = cursorRow > 0 ? `\x1b[${cursorRow}A` : ''
    const erase = drawn > 0 ? `${up}\r\x1b[J` : '\r'
    const back = rows.length - 1 - row
    const text = lines.map((line) => `${line}\r\n`).join('')
    // The real program switches bracketed paste off and on around every print above the prompt.
    const [off, on] = lines.length > 0 || drawn === 0 ? ['\x1b[?2004l', '\x1b[?2004h'] : ['', '']
    out.write(`${off}${erase}${text}${rows.join('\r\n')}${back > 0 ? `\x1b[${back}A` : ''}\r${column > 0 ? `\x1b[${column}C` : ''}${on}`)
    drawn = rows.length
    cursorRow = row
  }

  function flush() {
    timer = null
    const lines = pending
    pending = []
    paint(lines)
  }

  return {
    /** Prints lines above the prompt, and repaints the prompt. */
    print(...lines) {
      pending.push(...lines.flatMap((line) => line.split('\n')))
      if (lagMs === 0) flush()
      else timer ??= setTimeout(flush, lagMs)
    },
    /** After a resize, rows have moved, so the prompt is painted below them. */
    resized() {
      drawn = 0
      cursorRow = 0
      paint(['', ''])
    },
    end(line) {
      if (timer !== null) clearTimeout(timer)
      out.write(`\x1b[?2004l${cursorRow > 0 ? `\x1b[${cursorRow}A` : ''}\r\x1b[J${pending.join('\r\n')}${line}\r\n`)
    },
  }
}
