/** Masks secrets in the rows of a screen. */
import type { StyledRow } from './styled-rows.ts'
import { textWidth } from '../core/width.ts'
import { rowText } from './styled-rows.ts'

/**
 * Returns the rows with secrets masked. A row that fills the pane continues in the next row, so that a secret is found even if the terminal
 * wrapped it. `mask` must keep the length and the line breaks of a text.
 */
export function maskRows(rows: readonly StyledRow[], width: number, mask: (text: string) => string): readonly StyledRow[] {
  const lines = rows.map((row) => {
    const text = rowText(row)
    return textWidth(text) >= width ? text : `${text}\n`
  })
  const whole = lines.join('')
  const masked = mask(whole)
  if (masked === whole) return rows
  let at = 0
  return rows.map((row, index) => {
    let from = at
    at += lines[index]?.length ?? 0
    return row.map(({ text, style }) => ({ text: masked.slice(from, (from += text.length)), style }))
  })
}
