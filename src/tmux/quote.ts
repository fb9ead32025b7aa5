/** Quotes words for tmux command lines. */
import type { TmuxCommand } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'

const plain = /^[A-Za-z0-9_./:,@+-]+$/
/**
 * Characters that are special inside double quotes: `\`, `"`, `$`, and `~` at the start. Control characters can't be in a line of the
 * protocol.
 */
const special = /[\\"$~\u0001-\u001f\u007f]/g

/**
 * Returns a word quoted so that tmux reads it back unchanged. The function does not escape `#{…}`, because only some commands expand
 * formats. Throws BurnError `bad_argument` on a NUL.
 */
export function quoteWord(word: string): string {
  if (plain.test(word)) return word
  if (word.includes('\0')) throw new BurnError('bad_argument', 'a tmux argument contains a NUL character', 'Remove the NUL character.')
  return `"${word.replace(special, (char) => (char < ' ' || char === '\u007f' ? octal(char) : `\\${char}`))}"`
}

/**
 * Returns commands as one line, without a newline. tmux runs them in order, and stops at the first error. Throws BurnError `bad_argument`
 * on a NUL.
 */
export function renderLine(commands: readonly TmuxCommand[]): string {
  return commands.map((words) => words.map(quoteWord).join(' ')).join(' ; ')
}

function octal(char: string): string {
  return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`
}
