/** Random characters for property tests. */
import * as fc from 'fast-check'

const surrogates = { from: 0xd800, count: 0x800 }

/** Any character except surrogates, as the unit of `fc.string`. The unit `binary` gives the same, but takes a second to build its table. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map((index) => String.fromCodePoint(index < surrogates.from ? index : index + surrogates.count))
