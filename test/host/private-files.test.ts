/** Files that only their owner may read, each written as a whole. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writePrivateFile } from '../../src/host/private-files.ts'
import { scratch } from '../support/fleet.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

/** Parts of a file; an error follows the first part. */
async function* failing(thrown: Error): AsyncGenerator<string> {
  yield 'half'
  throw thrown
}

test('writePrivateFile: replaces a file that others may read', async (t) => {
  const dir = scratch(t)
  const file = join(dir, 'f')
  writeFileSync(file, 'old')
  chmodSync(file, 0o644)
  symlinkSync('f', join(dir, 'link'))
  await writePrivateFile(join(dir, 'link'), 'new')
  assert.deepEqual([readFileSync(file, 'utf8'), modeOf(file), lstatSync(join(dir, 'link')).isSymbolicLink()], ['new', 0o600, true])
  await writePrivateFile(join(dir, 'g'), 'first')
  assert.equal(modeOf(join(dir, 'g')), 0o600)
  assert.deepEqual(readdirSync(dir).toSorted(), ['f', 'g', 'link'])
})

test('writePrivateFile: keeps the earlier file after an error', async (t) => {
  const dir = scratch(t)
  const file = join(dir, 'f')
  writeFileSync(file, 'old')
  const full = Object.assign(new Error(`ENOSPC: no space left on device, write '${file}.partial-1'`), { code: 'ENOSPC' })
  await assert.rejects(writePrivateFile(file, failing(full)), {
    code: 'file_unwritable',
    message: `cannot write ${file}: ENOSPC: no space left on device`,
  })
  // An error of the source, and not of the file.
  await assert.rejects(writePrivateFile(file, failing(new TypeError('a bug'))), TypeError)
  assert.deepEqual([readFileSync(file, 'utf8'), readdirSync(dir)], ['old', ['f']])
})

test('writePrivateFile: names the cause if it cannot write', async (t) => {
  const dir = scratch(t)
  const rejects = (path: string, message: RegExp) => assert.rejects(writePrivateFile(path, 'x'), { code: 'file_unwritable', message })
  await rejects(dir, /: it is a folder$/)
  await rejects(join(dir, 'none/f'), /none\/f: ENOENT: no such file or directory$/)
  writeFileSync(join(dir, 'file'), '')
  await rejects(join(dir, 'file/f'), /file\/f: ENOTDIR: not a directory$/)
  if (existsSync('/dev/full')) await rejects('/dev/full', /^cannot write \/dev\/full: ENOSPC: no space left on device$/)
  if (process.getuid?.() === 0) return
  writeFileSync(join(dir, 'read-only'), 'old', { mode: 0o400 })
  await rejects(join(dir, 'read-only'), /EACCES: permission denied$/)
  chmodSync(dir, 0o500)
  await rejects(join(dir, 'new'), /EACCES: permission denied$/)
  chmodSync(dir, 0o700)
})
