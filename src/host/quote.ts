/** Quotes words for a POSIX shell. */
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
