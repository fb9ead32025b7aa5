import * as fc from 'fast-check'

const surrogates = { from: 0xd800, count: 0x800 }

/** Any character but half of a pair, as the unit of `fc.string`. The unit `binary` is the same and first spends a second on a table of them all. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map((index) => String.fromCodePoint(index < surrogates.from ? index : index + surrogates.count))
