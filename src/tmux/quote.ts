/** How words become a line that tmux parses back into the same words, in its one place. */
import type { TmuxCommand } from '../core/ports.ts'
import { BurnError } from '../core/errors.ts'

const plain = /^[A-Za-z0-9_./:,@+-]+$/
/** Special inside double quotes (`\`, `"`, `$`, and a `~` at their start), or unable to be in a line of the control protocol. */
const special = /[\\"$~\u0001-\u001f\u007f]/g

/** One word. `#{…}` stays as it is: whether a command expands formats is that command's matter. Throws `bad_argument` on a NUL. */
export function quoteWord(word: string): string {
  if (plain.test(word)) return word
  if (word.includes('\0')) throw new BurnError('bad_argument', 'a tmux argument contains a NUL character', 'Remove the NUL character.')
  return `"${word.replace(special, (char) => (char < ' ' || char === '\u007f' ? octal(char) : `\\${char}`))}"`
}

/** Commands as one line, without its newline. They run in sequence and stop at the first error. */
export function renderLine(commands: readonly TmuxCommand[]): string {
  return commands.map((words) => words.map(quoteWord).join(' ')).join(' ; ')
}

function octal(char: string): string {
  return `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`
}
