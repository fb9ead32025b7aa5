/** Remotes of git, and the forge that most of them name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseForge, parseRemote } from '../../src/decide/remotes.ts'

test('remotes: every form of URL gives host, owner and name', () => {
  const of = (url: string) => {
    const { host, owner, name, web, ssh } = parseRemote(url) ?? {}
    return [host, `${owner}/${name}`, web, ssh]
  }
  assert.deepEqual(of('git@forge.example.com:me/app.git'), ['forge.example.com', 'me/app', null, 'ssh://git@forge.example.com/me/app.git'])
  assert.deepEqual(of('ssh://git@forge.example.com:2222/me/app'), [
    'forge.example.com',
    'me/app',
    null,
    'ssh://git@forge.example.com:2222/me/app',
  ])
  assert.deepEqual(of('https://ann:secret@forge.example.com:3000/git/me/app.git'), [
    'forge.example.com',
    'me/app',
    'https://forge.example.com:3000/git',
    null,
  ])
  for (const url of ['/srv/app.git', '../app', 'file:///srv/me/app.git', 'C:\\app', 'https://forge.example.com/', '', 'origin'])
    assert.equal(parseRemote(url), null, url)
})

test('remotes: the forge with the most repos is chosen, never GitHub', () => {
  const checkouts = [
    'https://github.com/me/a',
    'https://github.com/me/b',
    'git@one.example:x/a',
    'https://two.example/me/a',
    'git@two.example:me/b',
    'git@two.example:you/c',
    'git@two.example:me/b',
  ].map((url) => ({ remote: parseRemote(url)!, base: null, check: null }))
  const forge = chooseForge(checkouts)
  assert.deepEqual(
    [forge?.url, forge?.owner, forge?.checkouts.map(({ remote }) => remote.name)],
    ['https://two.example', 'me', ['a', 'b', 'c']],
  )
  assert.equal(chooseForge(checkouts.slice(0, 2)), null)
})
