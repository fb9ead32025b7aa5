/** A full disk: the error has its code, and no data is lost. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stageChanges } from '../../src/git/changes.ts'
import { listWorkspaces } from '../../src/git/places.ts'
import { push } from '../../src/git/push.ts'
import { commitTo } from '../stand-ins/gitea/git.ts'
import { mounted } from '../support/mount.ts'
import { commitAll, committing, fails, openRig } from './rig.ts'

test('full disk: is reported, and work continues once there is space', async (t) => {
  const rig = await openRig(t, { 'a.txt': 'a\n' })
  const { dir } = rig
  if (!mounted(dir, ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', dir])) return t.skip('no small file system can be mounted here')
  try {
    await fillUp(rig)
  } finally {
    spawnSync('umount', ['-l', dir])
  }
})

async function fillUp({ bare, dir, git, mirror, workspace }: Awaited<ReturnType<typeof openRig>>): Promise<void> {
  const big = randomBytes(2_000_000).toString('base64')
  const made = await workspace(1)
  commitTo(bare, 'main', { 'big.txt': big })
  await assert.rejects(workspace(2), fails('git_disk_full'))
  assert.deepEqual(await listWorkspaces(dir), [made])
  assert.equal(existsSync(join(dir, 'work', '0k00000000002')), false)
  // Fills the disk to the last byte, so that locks and mirrors cannot be written either.
  for (let n = 0, size = 1 << 20; size > 0; size >>= 1)
    try {
      for (; ; n++) writeFileSync(join(dir, `fill${n}`), Buffer.alloc(size))
    } catch {
      // There is no space left for a file of this size.
    }
  writeFileSync(join(made.path, 'a.txt'), 'b\n')
  await assert.rejects(mirror(), fails('git_disk_full'))
  await assert.rejects(stageChanges(git, made), fails('git_disk_full'))
  for (const name of readdirSync(dir).filter((each) => each.startsWith('fill'))) rmSync(join(dir, name))
  assert.deepEqual((await stageChanges(git, made)).files, [{ path: 'a.txt', added: 1, removed: 1 }])
  await commitAll(git, made, { message: 'work', committing })
  await push(git, made)
}
