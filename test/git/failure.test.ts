/** Messages of git, and the codes that burn derives from them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diskError, gitCodeOf, gitError, type GitCode } from '../../src/git/failure.ts'

const table: readonly (readonly [GitCode, string])[] = [
  ['git_disk_full', 'error: file write error: No space left on device\nfatal: unable to write loose object file\nfatal: early EOF'],
  ['git_disk_full', "fatal: cannot create directory at 'x': No space left on device"],
  ['git_disk_full', 'fatal: write error: Disk quota exceeded'],
  ['git_disk_full', "error: unable to write file big.txt\nfatal: Could not reset index file to revision 'HEAD'."],
  ['git_locked', "error: cannot lock ref 'refs/remotes/origin/main': Unable to create '/m/refs/remotes/origin/main.lock': File exists."],
  ['git_missing', 'git: command not found'],
  ['git_auth', "fatal: Authentication failed for 'https://f.example/acme/app.git/'"],
  ['git_auth', "fatal: could not read Username for 'https://f.example': terminal prompts disabled"],
  ['git_auth', 'git@f.example: Permission denied (publickey).\nfatal: Could not read from remote repository.'],
  ['git_auth', "fatal: unable to access 'https://f.example/': The requested URL returned error: 401"],
  ['git_auth', 'Host key verification failed.\nfatal: Could not read from remote repository.'],
  ['git_conflict', '!\tabc:refs/heads/burn/1\t[rejected] (non-fast-forward)\nDone'],
  ['git_conflict', '!\tabc:refs/heads/burn/1\t[rejected] (fetch first)\nDone'],
  ['git_refused', '!\tabc:refs/heads/burn/1\t[remote rejected] (pre-receive hook declined)\nDone'],
  ['git_refused', "remote: Gitea: User permission denied for writing.\nfatal: unable to access 'x': The requested URL returned error: 403"],
  [
    'forge_archived',
    "remote: This repo is archived. You can view files\nfatal: unable to access 'x': The requested URL returned error: 403",
  ],
  ['git_refused', "fatal: repository 'https://f.example/acme/none.git/' not found"],
  ['git_refused', "fatal: '/srv/none.git' does not appear to be a git repository"],
  ['git_refused', "fatal: transport 'ext' not allowed"],
  ['git_no_base', "fatal: couldn't find remote ref refs/heads/gone"],
  ['git_unreachable', "fatal: unable to access 'https://f.example/': Could not resolve host: f.example"],
  ['git_unreachable', "fatal: unable to access 'http://127.0.0.1:1/': Failed to connect to 127.0.0.1 port 1: Connection refused"],
  ['git_unreachable', 'error: RPC failed; curl 18 transfer closed with outstanding read data remaining\nfatal: early EOF'],
  ['git_unreachable', "fatal: unable to access 'https://f.example/': The requested URL returned error: 502"],
  ['git_unreachable', "fatal: unable to access 'https://f.example/': SSL certificate problem: self-signed certificate"],
  ['git_unreachable', 'ssh: connect to host f.example port 22: No route to host'],
  ['git_mirror_damaged', 'fatal: bad object refs/remotes/origin/main'],
  ['git_mirror_damaged', "fatal: not a git repository: '/m/acme/app.git'"],
  ['git_mirror_damaged', 'error: object file objects/12/34 is empty\nfatal: loose object 1234 (stored in objects/12/34) is corrupt'],
  [
    'git_mirror_damaged',
    'fatal: loose object 1234 (stored in objects/12/34) is corrupt\nfetch-pack: unexpected disconnect while reading sideband packet',
  ],
  ['git_unreachable', 'remote: fatal: loose object 1234 (stored in objects/12/34) is corrupt\nfatal: early EOF'],
  ['git_mirror_damaged', 'fatal: unable to read tree 1234'],
  ['git_mirror_damaged', 'fatal: missing object 1234 for refs/remotes/origin/main'],
  ['git_mirror_damaged', 'error: packfile ./objects/pack/pack-1.pack does not match index\nfatal: packfile is corrupt'],
  ['git_mirror_damaged', 'fatal: bad config line 1 in file /m/config'],
  ['git_owner', "fatal: detected dubious ownership in repository at '/srv/app.git'\nfatal: Could not read from remote repository."],
  ['git_object_format', 'fatal: mismatched algorithms: client sha1; server sha256'],
  ['git_failed', "error: Invalid path 'GIT~1'\nfatal: Unable to process path GIT~1"],
  ['git_failed', ''],
]

for (const [code, output] of table) test(`${code}: ${output.split('\n')[0]?.slice(0, 90)}`, () => assert.equal(gitCodeOf(output), code))

test('gitError: has one line and no login', () => {
  const { code, message, hint } = gitError(
    'git fetch',
    "remote: busy\nfatal: unable to access 'https://burn:tok-1@f.example/acme/app.git/': Could not resolve host: f.example\n",
  )
  assert.equal(code, 'git_unreachable')
  assert.equal(message, "git fetch: fatal: unable to access 'https://f.example/acme/app.git/': Could not resolve host: f.example")
  assert.notEqual(hint, '')
  assert.equal(gitError('git x', '').message, 'git x: git printed no message')
})

test('gitError: quotes the message of a hook', () => {
  const refused =
    'remote: unknown author        \nremote: error: hook declined\n!\tabc:refs/heads/burn/1\t[remote rejected] (hook declined)\n'
  assert.match(gitError('git push', refused).message, /^git push: unknown author: ! .*\(hook declined\)$/)
  const { message, hint } = gitError('git fetch', table.find(([code]) => code === 'git_owner')?.[1] ?? '')
  assert.match(message, /dubious ownership/)
  assert.match(hint, /git config --global --add safe\.directory \/srv\/app\.git$/)
})

test('diskError: turns a full disk into git_disk_full', () => {
  assert.match(String((diskError(Object.assign(new Error('x'), { code: 'ENOSPC' })) as Error).message), /ENOSPC/)
  const other = Object.assign(new Error('x'), { code: 'EACCES' })
  assert.equal(diskError(other), other)
})
