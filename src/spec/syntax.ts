import type { ParseErrorCode } from 'jsonc-parser'

interface Said {
  readonly what: string
  readonly hint: string
}

/** By jsonc-parser's code (its enum is no value under isolated modules). */
const says: Readonly<Record<ParseErrorCode, Said>> = {
  1: { what: 'this is no JSON value', hint: 'write text in double quotes, a number, true, false, null, […] or {…}' },
  2: { what: 'this is no number', hint: 'write it as 12 or 0.5' },
  3: { what: 'a key is missing here', hint: 'write a key in double quotes, then a colon and a value' },
  4: { what: 'a value is missing here', hint: 'write a value, or take the key or comma before it away' },
  5: { what: 'a colon is missing here', hint: 'write ":" between the key and its value' },
  6: { what: 'a comma is missing here', hint: 'write "," between two entries' },
  7: { what: 'a closing brace is missing', hint: 'write "}" where the object ends' },
  8: { what: 'a closing bracket is missing', hint: 'write "]" where the list ends' },
  9: { what: 'something stands after the end of the spec', hint: 'take it away; a spec is one object' },
  10: { what: 'this comment is not allowed', hint: 'write // or /* */' },
  11: { what: 'this comment does not end', hint: 'write "*/" where it ends' },
  12: { what: 'this text does not end', hint: 'write a double quote where it ends, on the same line' },
  13: { what: 'this number does not end', hint: 'write its digits' },
  14: { what: 'this \\u escape is not complete', hint: 'write \\u and four hexadecimal digits' },
  15: { what: 'there is no such escape', hint: 'write \\\\ for a backslash, \\" for a double quote' },
  16: { what: 'this character may not stand in text as it is', hint: 'write it as an escape, a newline as \\n' },
}

/** What a syntax error means, and what to write instead. `character` is what stands there; nothing at the end of the text. */
export function saySyntax(code: ParseErrorCode, character: string): Said {
  if (character === "'") return { what: 'text stands in single quotes', hint: 'write double quotes' }
  return says[code]
}
