/** The disk quota of commands, and the cleaning of the workspace before git reads it. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BurnError } from '../../src/core/errors.ts'
import { removeTree } from '../../src/host/untrusted-tree.ts'
import { opened, skipReason } from './opened.ts'

const small = { disk: 8_000_000, files: 200 }
const unusable = (message: RegExp) => ({ code: 'workspace_unusable', message })

for (const use of ['require', 'off'] as const)
  test(`quota: stops a file that grows forever (${use})`, { skip: use === 'require' && skipReason }, async (t) => {
    const { run, sandbox, dir } = await opened(t, { policy: { ...small, use } })
    const { code, notes, stopped } = await run('cat /dev/zero >zeros')
    assert.ok(code !== 0)
    assert.match(notes.join('\n'), /larger than the disk quota|killed: the commands reached the disk quota of 8 MiB/, stopped ?? '')
    assert.ok(statSync(join(dir, 'zeros')).size <= small.disk + 2 ** 20, 'the file is only a little larger than the quota')
    await assert.rejects(sandbox.cleanWorkspace(), unusable(/the commands reached the disk quota of 8 MiB/))
  })

const floods = {
  'many files of the workspace': 'while :; do n=$((n+1)); head -c 500000 /dev/zero >f$n; done',
  'files of HOME': 'cd; while :; do n=$((n+1)); head -c 500000 /dev/zero >f$n; done',
  'files of /tmp': 'cd "$TMPDIR"; while :; do n=$((n+1)); head -c 500000 /dev/zero >f$n; done',
  'small files': 'while :; do n=$((n+1)); >f$n; done',
  folders: 'while :; do n=$((n+1)); mkdir f$n; done',
}
for (const [what, command] of Object.entries(floods))
  test(`quota: ${what} end this command and later ones`, { skip: skipReason }, async (t) => {
    const { run, sandbox } = await opened(t, { policy: what === 'small files' || what === 'folders' ? small : { disk: small.disk } })
    const { stopped, notes } = await run(command)
    assert.equal(stopped, 'stop')
    assert.match(notes[0] ?? '', /^killed: the commands reached the (?:disk quota of 8 MiB|limit of 200 files)$/)
    assert.equal((sandbox.ended.reason as BurnError).code, 'workspace_unusable')
    await assert.rejects(run('true'), { code: 'workspace_unusable' })
    await assert.rejects(sandbox.cleanWorkspace(), { code: 'workspace_unusable' })
  })

test('quota: does not count earlier files, holes and hard links', { skip: skipReason }, async (t) => {
  const make = ({ dir }: { dir: string }) => writeFileSync(join(dir, 'large'), Buffer.alloc(16_000_000))
  const { run, sandbox } = await opened(t, { policy: small, make })
  assert.equal((await run('for n in $(seq 50); do ln large link$n; done; dd if=/dev/zero of=hole bs=1 count=1 seek=7000000')).code, 0)
  assert.deepEqual(await sandbox.cleanWorkspace(), [])
})

test('quota: watches an agent that runs its own commands', async (t) => {
  const { sandbox, dir } = await opened(t, { policy: { ...small, use: 'off' } })
  await sandbox.withQuota(async () => {
    writeFileSync(join(dir, 'large'), Buffer.alloc(9_000_000))
    await new Promise((resolve) => sandbox.ended.addEventListener('abort', resolve))
  })
  await assert.rejects(sandbox.cleanWorkspace(), { code: 'workspace_unusable' })
})

test('cleaning: removes pipes, sockets and devices everywhere', { skip: skipReason }, async (t) => {
  const { run, sandbox, dir, base } = await opened(t)
  const socket = `perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "a/s", Listen => 1)'`
  assert.equal(
    (await run(`mkfifo .gitignore; mkdir -p a/.git; mkfifo a/.git/HEAD ~/p "$(printf 'caf\\351')"; ${socket}; ln -s p link`)).code,
    0,
  )
  const names = await sandbox.cleanWorkspace()
  assert.deepEqual(names.toSorted(), ['.gitignore', 'a/.git/HEAD', 'a/s', 'caf\ufffd', 'p'])
  assert.deepEqual([readdirSync(join(base, 'own/home')), existsSync(join(dir, 'a/.git'))], [[], true])
  assert.deepEqual(await sandbox.cleanWorkspace(), [])
})

test('cleaning: opens folders without permissions', { skip: skipReason }, async (t) => {
  const { run, sandbox } = await opened(t, { policy: small })
  assert.equal((await run('mkdir a b c; for d in a b c; do mkfifo $d/p; done; chmod 0 a; chmod 400 b; chmod 500 c')).code, 0)
  assert.deepEqual((await sandbox.cleanWorkspace()).toSorted(), ['a/p', 'b/p', 'c/p'])
  const { output } = await run('cd a && touch $(seq 300); chmod 0 .')
  await assert.rejects(sandbox.cleanWorkspace(), { code: 'workspace_unusable' }, output)
})

test('cleaning: refuses a path that is too long', { skip: skipReason }, async (t) => {
  const { run, sandbox, dir } = await opened(t)
  assert.equal((await run('perl -e \'for (1..60) { mkdir "x" x 100; chdir "x" x 100 } mkdir "y"\'')).code, 0)
  await assert.rejects(sandbox.cleanWorkspace(), unusable(/a path in .* is longer than 4000 bytes/))
  await removeTree(dir)
  assert.equal(existsSync(dir), false)
})
