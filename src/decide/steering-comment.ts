/** Finds the command in a comment. A command is a line that begins with `/burn`, outside of code, quotations and HTML comments. */
import type { Steering } from '../core/steering.ts'
import { proseOf } from '../core/markdown.ts'
import { steeringWords } from '../core/steering.ts'

/** The maximum number of characters of a comment that burn reads. */
const maxLength = 20_000
/** The maximum number of characters of an unknown command that burn repeats in a message. */
const maxShown = 60
/** Replaces code spans and HTML comments, so that the words around them form no command. */
const filler = '\u{FFFC}'
const line = /^ {0,3}\/burn(?:[ \t]+(.*))?$/i

/** Returns the command of a comment; null if it has none. The same command twice counts as one. */
export function steeringIn(body: string): Steering | null {
  const lines = proseOf(body.slice(0, maxLength), filler).split('\n')
  const found = new Set(
    lines.flatMap(
      (each) =>
        line
          .exec(each)
          ?.slice(1)
          .map((rest) => (rest ?? '').trim().toLowerCase()) ?? [],
    ),
  )
  if (found.size === 0) return null
  const [text = ''] = found
  const word = steeringWords.find((each) => found.size === 1 && each === text)
  return word === undefined ? { word: null, text: [...found].join(', ').slice(0, maxShown) } : { word }
}
