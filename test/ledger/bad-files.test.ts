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

/** A ledger with some history, closed. */
async function written(file: string): Promise<void> {
  const ledger = await openLedger(`sqlite:${file}`, wait)
  await furnishMany(ledger, 100)
  await ledger.claim(batchOf('a', 0, 25, 100), 'a', 100, 10)
  await ledger.close()
}

/** It must say what happened, that nothing was lost, and what to do; and leave the file as it was. */
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
  it('belongs to its owner alone, and so do those beside it', async () => {
    await using at = await folder()
    const ledger = await openLedger(`sqlite:${at.path}/new/deep/ledger.db`, wait)
    const mode = async (name: string) => ((await stat(join(at.path, name))).mode & 0o777).toString(8)
    assert.equal(await mode('new'), '700')
    assert.equal(await mode('new/deep'), '700')
    for (const suffix of ['', '-wal', '-shm']) assert.equal(await mode(`new/deep/ledger.db${suffix}`), '600')
    await ledger.close()
  })

  it('keeps what it had when it is opened again', async () => {
    await using at = await folder()
    await written(join(at.path, 'ledger.db'))
    const ledger = await openLedger(`sqlite:${at.path}/ledger.db`, wait)
    assert.equal((await ledger.view()).dispatches.length, 25)
    assert.equal((await ledger.check()).rows['event'], 250)
    await ledger.close()
  })

  it('needs an absolute path', async () => {
    for (const url of ['sqlite:ledger.db', 'sqlite:', 'mysql://x/y', '/tmp/x.db', '']) {
      await assert.rejects(openLedger(url, wait), withCode('ledger_url'))
    }
  })

  it('is refused where a newer burn wrote it', async () => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await written(file)
    const database = new DatabaseSync(file)
    database.exec(`update meta set value = '999' where key = 'version'; pragma wal_checkpoint(truncate)`)
    database.close()
    await refused(file, 'ledger_newer')
  })

  it('is refused where another program wrote it', async () => {
    await using at = await folder()
    const file = join(at.path, 'other.db')
    const database = new DatabaseSync(file)
    database.exec('pragma journal_mode = wal; create table cookies (name text)')
    database.close()
    await refused(file, 'ledger_foreign')
  })

  it('is refused where it is no database', async () => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await writeFile(file, 'this is a note, not a ledger\n'.repeat(400))
    await refused(file, 'ledger_corrupt')
  })

  it('is found damaged by its check', async () => {
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

  it('is found to break its rules by its check', async () => {
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

  it('is refused where no file can be', async () => {
    await using at = await folder()
    await writeFile(join(at.path, 'file'), '')
    await mkdir(join(at.path, 'is-a-folder'))
    await symlink(join(at.path, 'nowhere/else'), join(at.path, 'dangling'))
    for (const path of ['file/ledger.db', 'is-a-folder', 'dangling']) {
      await assert.rejects(openLedger(`sqlite:${at.path}/${path}`, wait), withCode('ledger_open'))
    }
  })

  it('is refused where it can not be written', async (t) => {
    await using at = await folder()
    const file = join(at.path, 'ledger.db')
    await written(file)
    if (process.getuid?.() !== 0) {
      await chmod(file, 0o400)
      return refused(file, 'ledger_readonly')
    }
    // Root may write anywhere but to a file system that is mounted so.
    if (!mounted(at.path, ['--bind', at.path, at.path], ['-o', 'remount,ro,bind', at.path])) return t.skip('no read-only mount here')
    try {
      await refused(file, 'ledger_readonly')
    } finally {
      spawnSync('umount', [at.path])
    }
  })

  it('says so where its disk is full, keeps what it had, and goes on when there is room', async (t) => {
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
