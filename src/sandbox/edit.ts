/** One exact replacement in a text. */
import { ToolError } from './paths.ts'

/** How many places of an ambiguous text are named. */
const NAMED = 8

export interface Edit {
  readonly old: string
  readonly new: string
  readonly all: boolean
}

/** The text with `old` replaced where it occurs, which must be once unless `all` is set. Throws Refusal. */
export function edited(text: string, edit: Edit): { readonly text: string; readonly places: number } {
  if (edit.old === '') throw new ToolError('old is empty: copy the lines that are to be replaced, or use write_file for a whole file')
  if (edit.old === edit.new) throw new ToolError('old and new are the same: nothing would change')
  // A model sees no carriage returns, and writes none.
  const crlf = !text.includes(edit.old) && text.includes('\r\n') && !edit.old.includes('\r')
  const [old, replacement] = crlf ? [edit.old, edit.new].map((part) => part.replaceAll('\n', '\r\n')) : [edit.old, edit.new]
  const pieces = text.split(old ?? '')
  const places = pieces.length - 1
  if (places === 0)
    throw new ToolError('old does not occur in the file: it must match exactly, with every space and without line numbers; read it again')
  if (places > 1 && !edit.all)
    throw new ToolError(
      `old occurs ${places} times (lines ${linesOf(pieces, old ?? '')}): add lines around it until it is unique, or set all`,
    )
  return { text: pieces.join(replacement), places }
}

function linesOf(pieces: readonly string[], old: string): string {
  const named = pieces.slice(0, Math.min(NAMED, pieces.length - 1))
  const lines = named.map(
    (_, index) =>
      pieces
        .slice(0, index + 1)
        .join(old)
        .split('\n').length,
  )
  return `${lines.join(', ')}${pieces.length - 1 > NAMED ? ', …' : ''}`
}
