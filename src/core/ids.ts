/** Creates and parses the ids of dispatches and deliveries. */

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * Returns a new id: 13 characters of Crockford base32 (9 for the milliseconds, 4 random). Ids sort by creation time, and are safe in a
 * branch name, a tmux option and an HTML comment. `random` returns a number in [0, 1).
 */
export function newId(now: number, random: () => number): string {
  let time = ''
  for (let rest = Math.floor(now), i = 0; i < 9; i++, rest = Math.floor(rest / 32)) time = alphabet[rest % 32] + time
  let tail = ''
  for (let i = 0; i < 4; i++) tail += alphabet[Math.floor(random() * 32)]
  return time + tail
}

/** The default of the text before the dispatch's id in the name of its branch. The spec can set another text. */
export const defaultBranchPrefix = 'burn/'

/** The length of an id. */
export const idLength = 13

/** Matches exactly one id. */
export const idPattern = /^[0-9a-hjkmnp-tv-z]{13}$/

/** Returns the creation time of an id in milliseconds since the epoch, by the clock of the process that created the id. */
export function timeOfId(id: string): number {
  return Array.from(id.slice(0, 9)).reduce((time, char) => time * 32 + alphabet.indexOf(char), 0)
}
