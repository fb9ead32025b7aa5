/** Damaged, foreign and unusable ledger files, and full disks: each error has a code and a hint, and no data is lost. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { mounted } from '../support/mount.ts'
import { batchOf, furnishMany } from './batches.ts'
import { issueOf, withCode } from './fixtures.ts'

const wait = { random: Math.random }

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'burn-ledger-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

/** Writes a ledger with some history, and closes it. */
async function written(file: string): Promise<void> {
  const ledger = await openLedger(`sqlite:${file}`, wait)
  await furnishMany(ledger, 100)
  await ledger.claim(batchOf('a', 0, 25, 100), 'a', 100, 10)
  await ledger.close()
}

/** Asserts that opening the file fails with this code, names the file, has a hint, and does not change the file. */
async function refused(file: string, code: string): Promise<void> {
  const before = await readFile(file)
  const thrown: unknown = await openLedger(`sqlite:${file}`, wait).then(
    () => null,
    (reason: unknown) => reason,
  )
  assert.ok(thrown instanceof BurnError, String(thrown))
  assert.deepEqual([thrown.code, thrown.exit], [code, 1])
  assert.ok(thrown.message.includes(file) && thrown.hint.length > 40, thrown.message)
  assert.deepEqual(await readFile(file), before)
}

describe('a ledger file', () => {
  it('an upgrade under a running process: names the newer version', async () => {
    await using dir = await folder()
    const file = join(dir.path, 'l.db')
    const ledger = await openLedger(`sqlite:${file}`, wait)
    const newer = new DatabaseSync(file)
    newer.exec('alter table repo rename to newer_repo')
    newer.close()
    await assert.rejects(ledger.view(), withCode('ledger_newer'))
    await ledger.close()
  })

  it('file modes: only the owner has access', async () => {
    await using at = await folder()
    const ledger = await openLedger(`sqlite:${at.path}/new/deep/ledger.db`, wait)
    const mode = async (name: string) => ((await stat(join(at.path, name))).mode & 0o777).toString(8)
    assert.equal(await mode('new'), '700')
    assert.equal(await mode('new/deep'), '700')
    for (const suffix of ['', '-wal', '-shm']) assert.equal(await mode(`new/deep/ledger.db${suffix}`), '600')
    await ledger.close()
  })

  it('reopen: keeps the rows', async () => {
    await using at = await folder()
    await written(join(at.path, 'ledger.db'))
    const ledger = await openLedger(`sqlite:${at.path}/ledger.db`, wait)
    assert.equal((await ledger.view()).dispatches.length, 25)
    assert.equal((await ledger.check()).rows['event'], 250)
    await ledger.close()
  })

  it('URL: must have an absolute path', async () => {
    for (const url of ['sqlite:ledger.db', 'sqlite:', 'mysql://x/y', '/tmp/x.db', '']) {
      await assert.rejects(openLedger(url, wait), withCode('ledger_url'))
    }
  })

  it('open: refuses a ledger of a newer burn', async () => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await written(file)
    const database = new DatabaseSync(file)
    database.exec(`update meta set value = '999' where key = 'version'; pragma wal_checkpoint(truncate)`)
    database.close()
    await refused(file, 'ledger_newer')
  })

  it('open: refuses a database of another program', async () => {
    await using at = await folder()
    const file = join(at.path, 'other.db')
    const database = new DatabaseSync(file)
    database.exec('pragma journal_mode = wal; create table cookies (name text)')
    database.close()
    await refused(file, 'ledger_foreign')
  })

  it('open: refuses a file that is not a database', async () => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await writeFile(file, 'this is a note, not a ledger\n'.repeat(400))
    await refused(file, 'ledger_corrupt')
  })

  it('check: finds a damaged file', async () => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await written(file)
    const bytes = await readFile(file)
    bytes.fill(0xa5, Math.floor(bytes.length / 2))
    await writeFile(file, bytes)
    const outcome = openLedger(`sqlite:${file}`, wait).then(async (ledger) => {
      try {
        return await ledger.check()
      } finally {
        await ledger.close()
      }
    })
    await assert.rejects(outcome, withCode('ledger_corrupt'))
  })

  it('check: finds broken rules', async () => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await written(file)
    const database = new DatabaseSync(file)
    database.exec(`update dispatch set state = 'handed' where id = 'a-1'`)
    database.close()
    const ledger = await openLedger(`sqlite:${file}`, wait)
    await assert.rejects(ledger.check(), withCode('ledger_rule'))
    await ledger.close()
  })

  it('open: refuses a path where no file can be created', async () => {
    await using at = await folder()
    await writeFile(join(at.path, 'file'), '')
    await mkdir(join(at.path, 'is-a-folder'))
    await symlink(join(at.path, 'nowhere/else'), join(at.path, 'dangling'))
    for (const path of ['file/ledger.db', 'is-a-folder', 'dangling']) {
      await assert.rejects(openLedger(`sqlite:${at.path}/${path}`, wait), withCode('ledger_open'))
    }
  })

  it('open: refuses a file that cannot be written', async (t) => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await written(file)
    if (process.getuid?.() !== 0) {
      await chmod(file, 0o400)
      return refused(file, 'ledger_readonly')
    }
    // Root can write to any file, except on a read-only file system.
    if (!mounted(at.path, ['--bind', at.path, at.path], ['-o', 'remount,ro,bind', at.path])) return t.skip('no read-only mount here')
    try {
      await refused(file, 'ledger_readonly')
    } finally {
      spawnSync('umount', [at.path])
    }
  })

  it('full disk: is reported, and small writes still work', async (t) => {
    await using at = await folder()
    if (!mounted(at.path, ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', at.path])) return t.skip('no small file system can be mounted here')
    try {
      const ledger = await openLedger(`sqlite:${at.path}/ledger.db`, wait)
      await furnishMany(ledger, 10)
      const large = Array.from({ length: 10 }, (_, index) => issueOf(100 + index, { body: 'b'.repeat(400_000) }))
      await assert.rejects(ledger.saveIssues([{ repo: 'o/r', issues: large, cursor: 'c2', complete: false }], 20), withCode('ledger_full'))
      assert.equal((await ledger.openIssues()).length, 10)
      assert.equal((await ledger.claim(batchOf('a', 0, 5, 10), 'a', 100, 30)).length, 5)
      await ledger.check()
      await ledger.close()
    } finally {
      spawnSync('umount', [at.path])
    }
  })
})
