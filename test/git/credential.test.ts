/** burn's side of git's credential protocol. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { credentialResponse, asksForForge } from '../../src/git/credential.ts'
import { anyCharacter } from '../support/any-character.ts'

const asked = (protocol: string, host: string, more = '') => `protocol=${protocol}\nhost=${host}\n${more}\n`

const cases: readonly (readonly [string, string, string, boolean])[] = [
  ['the forge', asked('https', 'forge.example.com'), 'https://forge.example.com', true],
  ['the forge below a path', asked('https', 'forge.example.com', 'path=git/acme/app.git\n'), 'https://forge.example.com/git', true],
  ['the default port', asked('https', 'forge.example.com:443'), 'https://forge.example.com', true],
  ['another port of the forge', asked('http', '127.0.0.1:3000'), 'http://127.0.0.1:3000/', true],
  ['lines of newer gits', asked('https', 'f.example', 'capability[]=authtype\nwwwauth[]=Basic realm="x=y"\n'), 'https://f.example', true],
  ['an empty question', '', 'https://f.example', false],
  ['another host', asked('https', 'evil.example'), 'https://f.example', false],
  ['a longer host', asked('https', 'f.example.evil.example'), 'https://f.example', false],
  ['another port', asked('https', 'f.example:8443'), 'https://f.example', false],
  ['no TLS', asked('http', 'f.example'), 'https://f.example', false],
  ['another protocol', asked('ftp', 'f.example'), 'https://f.example', false],
  ['a host with a login', asked('https', 'f.example@evil.example'), 'https://evil.example', false],
  ['a host with a path', asked('https', 'f.example/x'), 'https://f.example', false],
  ['a malformed line', 'protocol=https\nhost\n', 'https://f.example', false],
  ['a carriage return', asked('https', 'f.example\r'), 'https://f.example', false],
  ['a NUL', asked('https', 'f.example', 'x=\0\n'), 'https://f.example', false],
  ['a host after the end', 'protocol=https\n\nhost=f.example\n', 'https://f.example', false],
  ['a forge in a folder', asked('https', 'f.example'), '/srv/forge', false],
]

for (const [what, input, url, wanted] of cases)
  test(`asksForForge: is ${wanted} for ${what}`, () => assert.equal(asksForForge(input, url), wanted))

test('credentialResponse: is two lines, or empty', () => {
  assert.equal(credentialResponse('burn', 't'), 'username=burn\npassword=t\n')
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), fc.string({ unit: anyCharacter }), (username, password) => {
      const answer = credentialResponse(username, password)
      if (answer !== '') assert.deepEqual(answer.split('\n'), [`username=${username}`, `password=${password}`, ''])
    }),
  )
  for (const bad of ['', 'a\nb', 'a\0b', 'a\rb']) assert.deepEqual([credentialResponse(bad, 'x'), credentialResponse('x', bad)], ['', ''])
})

test('asksForForge: is false for all other hosts', () => {
  fc.assert(
    fc.property(fc.webAuthority(), fc.string(), (host, noise) => {
      fc.pre(host !== 'forge.example.com')
      assert.equal(asksForForge(asked('https', host, noise), 'https://forge.example.com:8443'), host === 'forge.example.com:8443')
    }),
  )
})
