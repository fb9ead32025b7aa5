/** Quotes words for a POSIX shell, and for a login shell of any kind. */
import { BurnError } from '../core/errors.ts'

const plain = /^[A-Za-z0-9_./:,@%+=-]+$/

/**
 * Returns a word quoted so that any POSIX shell reads it back unchanged. Throws BurnError `bad_argument` on a NUL, which no command's word
 * can contain.
 */
export function shellWord(word: string): string {
  if (word.includes('\0')) throw new BurnError('bad_argument', 'a command word contains a NUL character', 'Remove the NUL character.')
  // An unquoted first word with '=' would be an assignment.
  return plain.test(word) && !word.includes('=') ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Returns words as one POSIX shell command. Throws BurnError `bad_argument` on a NUL. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

/**
 * Matches text that every shell leaves unchanged between single quotes. Some shells, such as fish and csh, interpret `\\` and `!` even
 * between single quotes.
 */
const quotable = /^[^\\'!\P{ASCII}\p{Cc}]*$/u

/**
 * Returns words as one command line that bash, zsh, fish, csh, tcsh and nu all read the same way. Words with special characters go through
 * `sh`, with their bytes as octal numbers. Throws BurnError `bad_argument` on a NUL.
 */
export function loginShellWords(words: readonly string[]): string {
  const isReadable = plain.test(words[0] ?? '') && words.every((word) => quotable.test(word))
  return isReadable ? shellWords(words) : loginShellScript(`exec ${shellWords(words)}`)
}

/**
 * Returns a command line that runs a script with /bin/sh, and that any login shell can read. Words that the caller appends to the line are
 * the script's `$0`, `$1` and so on. Throws BurnError `bad_argument` on a NUL.
 */
export function loginShellScript(script: string): string {
  if (script.includes('\0')) throw new BurnError('bad_argument', 'a script contains a NUL character', 'Remove the NUL character.')
  return `/bin/sh -c 'eval "$(printf %b "${octal(script)}")"'`
}

/** Returns a text in the form that `printf %b` reads. Characters that are special in any shell become octal numbers. */
function octal(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    const char = String.fromCharCode(byte)
    return plain.test(char) ? char : `\\0${byte.toString(8).padStart(3, '0')}`
  })
  return bytes.join('')
}
