/** Replaces a given text in a file. */
import { ToolError } from './paths.ts'

/** The maximum number of matches whose line numbers an error lists. */
const maxLinesNamed = 8

export interface Edit {
  readonly old: string
  readonly new: string
  readonly all: boolean
}

/**
 * Returns the text with `old` replaced by `new`, and the number of matches. Throws ToolError if `old` does not occur, or occurs several
 * times and `all` is false.
 */
export function applyEdit(text: string, edit: Edit): { readonly text: string; readonly count: number } {
  if (edit.old === '') throw new ToolError('"old" is empty: copy the lines to replace, or use write_file for a whole file')
  if (edit.old === edit.new) throw new ToolError('"old" and "new" are the same: nothing would change')
  // Models do not see carriage returns, so `old` and `new` do not contain any.
  const crlf = !text.includes(edit.old) && text.includes('\r\n') && !edit.old.includes('\r')
  const [old, replacement] = crlf ? [edit.old, edit.new].map((part) => part.replaceAll('\n', '\r\n')) : [edit.old, edit.new]
  const parts = text.split(old ?? '')
  const count = parts.length - 1
  if (count === 0)
    throw new ToolError(
      '"old" does not occur in the file: it must match exactly, with every space and without line numbers; read the file again',
    )
  if (count > 1 && !edit.all)
    throw new ToolError(
      `"old" occurs ${count} times (lines ${linesOf(parts, old ?? '')}): add lines around it until it is unique, or set "all"`,
    )
  return { text: parts.join(replacement), count }
}

function linesOf(parts: readonly string[], old: string): string {
  const shown = parts.slice(0, Math.min(maxLinesNamed, parts.length - 1))
  const lines = shown.map(
    (_, index) =>
      parts
        .slice(0, index + 1)
        .join(old)
        .split('\n').length,
  )
  return `${lines.join(', ')}${parts.length - 1 > maxLinesNamed ? ', …' : ''}`
}
