/** POSIX shell quoting, in its one place. */
import { BurnError } from '../core/errors.ts'

const plain = /^[A-Za-z0-9_./:,@%+=-]+$/

/** One word, quoted so that any POSIX shell reads it back as it is. A NUL can't be in a word of any command. */
export function shellWord(word: string): string {
  if (word.includes('\0')) throw new BurnError('bad_argument', 'a command word contains a NUL character', 'Remove the NUL character.')
  // An unquoted first word with '=' would be an assignment.
  return plain.test(word) && !word.includes('=') ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Words as one POSIX shell command. */
export function shellWords(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}
