/** Checks that no secret survives in any form, wherever a stream is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { masker, redactingStream, redactor } from '../../src/host/redact.ts'
import { anyCharacter } from '../support/any-character.ts'

const none = redactor([])

const shapes: readonly (readonly [string, string])[] = [
  ['key sk-proj-0123456789abcdefgh!', 'key [redacted]!'],
  ['ghp_0123456789abcdefghijABCDEFGHIJ012345', '[redacted]'],
  ['gho_0123456789abcdefghij', '[redacted]'],
  ['github_pat_11ABCDEFG0123456789_abc', '[redacted]'],
  ['glpat-0123456789abcdef-x', '[redacted]'],
  ['xoxb-1234567890-abcdef', '[redacted]'],
  ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
  ['AIzaSyA0123456789012345678901234567890', '[redacted]'],
  ['hf_abcdefghijABCDEFGHIJ0123456789abcd', '[redacted]'],
  ['npm_abcdefghijABCDEFGHIJ0123456789abcd', '[redacted]'],
  ['id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N', 'id [redacted]'],
  ['Bearer abcdefgh.ijkl', 'Bearer [redacted]'],
  ["curl -H 'Authorization: token 0123456789'", "curl -H 'Authorization: [redacted]'"],
  ['{"authorization":"Basic dXNlcjpwYXNz"}', '{"authorization":"[redacted]"}'],
  ['git clone https://ann:hunter22@forge.example/x.git', 'git clone https://[redacted]@forge.example/x.git'],
  ['postgres://:pw@db/x', 'postgres://[redacted]@db/x'],
  ['a -----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\nbnNz\n-----END OPENSSH PRIVATE KEY----- b', 'a [redacted] b'],
  ['-----BEGIN PRIVATE KEY-----\nnever ends', '[redacted]'],
]
for (const [text, expected] of shapes) test(`redactor: pattern ${text.split('\n')[0]}`, () => assert.equal(none(text), expected))

test('masker: keeps the length and the line breaks of a text', () => {
  for (const [text, expected] of shapes) {
    const masked = masker([])(text)
    assert.equal(masked.length, text.length)
    assert.equal(masked.split('\n').length, text.split('\n').length)
    const [before = '', after = ''] = expected.split('[redacted]')
    assert.ok(masked.startsWith(before) && masked.endsWith(after))
    assert.match(masked.slice(before.length, masked.length - after.length), /^[*\n]+$/)
  }
  assert.equal(masker(['hunter22'])('a hunter22 b'), 'a ******** b')
})

test('redactor: leaves other texts unchanged', () => {
  for (const text of [
    'ask-me-0123456789abcdefgh',
    'bearer of news',
    'https://example.com:8080/a@b',
    'a: b@c',
    'sk-learn',
    '\r\n\n x\n',
    '',
  ])
    assert.equal(none(text), text)
})

const secrets = fc.array(fc.string({ minLength: 4, maxLength: 40, unit: anyCharacter }), { minLength: 1, maxLength: 4 })
/** Texts that contain the secrets, each in one of its forms. */
const texts = secrets.chain((known) =>
  fc.record({
    known: fc.constant(known),
    parts: fc.array(
      fc.oneof(
        fc.string({ maxLength: 30 }),
        fc.constantFrom('\n', '"', '-----', 'Bearer '),
        fc.constantFrom(...known.flatMap((secret) => [secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret)])),
        fc
          .tuple(fc.string({ maxLength: 5 }), fc.constantFrom(...known))
          .map(([user, secret]) => Buffer.from(`${user}:${secret}@`).toString('base64')),
      ),
      { maxLength: 12 },
    ),
    cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 12 }),
  }),
)
const mark = '[redacted]'

test('redactor: no secret survives, and streams give the same result', () => {
  fc.assert(
    fc.property(texts, ({ known, parts, cuts }) => {
      // A secret that is a part of the mark, or begins or ends like it, could not be told from it.
      fc.pre(known.every((secret) => !mark.includes(secret) && !/[[\]]|^[redact]|[redact]$/.test(secret)))
      const text = parts.join('')
      const whole = redactor(known)(text)
      const stream = redactingStream(known)
      const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length]
      const pieces = places.slice(1).map((end, index) => stream.push(text.slice(places[index], end)))
      assert.equal([...pieces, stream.end()].join(''), whole)
      for (const secret of known) {
        assert.ok(!whole.includes(secret), `${JSON.stringify(secret)} in ${JSON.stringify(whole)}`)
        const encoded = Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1)
        if (encoded.length >= 8) assert.ok(!whole.includes(encoded))
      }
    }),
    { numRuns: 400 },
  )
})

test('redactor: finds base64 at any offset in a longer text', () => {
  const secret = 'correct horse battery'
  for (const before of ['', 'a', 'ab', 'abc', 'user:'])
    for (const after of ['', 'x', 'xy', 'xyz']) {
      const out = redactor([secret])(Buffer.from(before + secret + after).toString('base64'))
      assert.match(out, /^[\w+/=]{0,8}\[redacted\][\w+/=]{0,8}$/)
    }
})

test('redactingStream: returns text that can no longer become a secret', () => {
  const stream = redactingStream(['hunter22'])
  assert.equal(stream.push('first line\nsecond hun'), 'first line\n')
  assert.equal(stream.push('ter22 and\nthird'), 'second [redacted] and\n')
  assert.equal(stream.end(), 'third')
})

test('redactor: takes linear time for repetitive text', () => {
  const redact = redactor(['hunter22', 'a'.repeat(30) + 'b'])
  for (const piece of ['a', '://', 'sk-', '://a:', 'authorization: ', 'bearer ', '-----BEGIN ', 'x\n', 'AKIA', 'hunter2']) {
    const cost = (size: number) => {
      const text = piece.repeat(size / piece.length)
      const from = process.cpuUsage().user
      redact(text)
      return process.cpuUsage().user - from
    }
    cost(50_000)
    const [small, large] = [Math.min(cost(100_000), cost(100_000)), Math.min(cost(400_000), cost(400_000))]
    assert.ok(large < 12 * small + 100_000, `${JSON.stringify(piece)}: ${small} µs, then ${large} µs`)
  }
})
