/** The first spec of a fleet, as `burn init` writes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSpec } from '../../src/spec/load.ts'
import { starterFault, starterSpec } from '../../src/spec/starter.ts'

test('starter: the spec is valid, and has only the given settings', () => {
  const token = { env: 'GITEA_TOKEN' }
  const text = starterSpec({
    name: 'mine',
    forge: { kind: 'gitea', url: 'https://forge.example.com', owner: 'me', token },
    repos: [
      { name: 'app', base: 'main', check: 'npm test', clone_url: null },
      { name: 'you/docs', base: null, check: null, clone_url: null },
    ],
    agent: { kind: 'claude', command: null },
    machine: 'laptop',
    panes: 3,
  })
  assert.deepEqual(parseSpec(text, 'fleet-spec.json'), {
    name: 'mine',
    forge: { kind: 'gitea', url: 'https://forge.example.com', owner: 'me', token },
    repos: { app: { base: 'main', check: 'npm test' } },
    agent: { kind: 'claude' },
    machines: { laptop: { windows: [{ name: 'WORK', panes: 3, repos: ['app', 'you/docs'] }] } },
  })
})

test('starter: a fault of a value is a phrase', () => {
  assert.equal(starterFault('url', 'https://forge.example.com/git'), null)
  assert.match(starterFault('url', 'ftp://forge.example.com') ?? '', /must be an address/)
  assert.match(starterFault('repo', 'a b') ?? '', /must be the name of a repo/)
})
