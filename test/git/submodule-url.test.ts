/** The URLs of submodules: which server burn asks, and which URLs it refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { submoduleUrl } from '../../src/git/submodule-url.ts'

const clone_url = 'https://forge.example.com/acme/app.git'
const cases: readonly (readonly [string, string, string | null, boolean?])[] = [
  ['../lib.git', clone_url, 'https://forge.example.com/acme/lib.git', true],
  ['../../other/lib', clone_url, 'https://forge.example.com/other/lib', true],
  ['./nested', clone_url, 'https://forge.example.com/acme/app.git/nested', true],
  ['../lib.git', 'git@forge.example.com:acme/app.git', 'git@forge.example.com:acme/lib.git', true],
  ['../../x/lib.git', 'git@forge.example.com:acme/app.git', 'git@forge.example.com:x/lib.git', true],
  ['../lib.git', '/srv/forge/acme/app.git', '/srv/forge/acme/lib.git', true],
  ['../../../etc', '/srv/forge/acme/app.git', null],
  ['../../evil.example/x', 'https://forge.example.com/app.git', null],
  ['../x/../../../etc', '/srv/forge/acme/app.git', null],
  ['git@forge.example.com:acme/lib.git', clone_url, 'https://forge.example.com/acme/lib.git', false],
  ['ssh://git@forge.example.com:2222/acme/lib.git', clone_url, 'https://forge.example.com/acme/lib.git', false],
  ['git@other.example:a/b.git', clone_url, 'https://other.example/a/b.git', false],
  ['https://other.example/a/b.git', clone_url, 'https://other.example/a/b.git', false],
  ['https://user:pw@other.example/a/b.git', clone_url, null],
  ['/home/ann/private', clone_url, null],
  ['file:///home/ann/private', clone_url, null],
  ['ext::sh -c id', clone_url, null],
  ['--upload-pack=id', clone_url, null],
  ['git://other.example/a', clone_url, null],
]

test('submodule URL: is on the forge, anonymous, or refused', () => {
  for (const [written, base, url, same_server = false] of cases)
    assert.deepEqual(submoduleUrl(written, base, 'https://forge.example.com'), url === null ? null : { url, same_server }, written)
})
