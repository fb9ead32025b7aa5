import type { Opened } from './fixtures.ts'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { CompiledQuery } from 'kysely'
import { openEngine } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { conformance } from './conformance.ts'
import { copying, files } from './keeping.ts'
import { processes } from './processes.ts'
import { schemas } from './schema.ts'
import { sequences } from './sequences.ts'

async function inMemory(): Promise<Opened> {
  const engine = await openEngine('sqlite::memory:', { random: Math.random })
  return { engine, ledger: createStore(engine), [Symbol.asyncDispose]: () => engine.close() }
}

async function inFile(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'burn-ledger-'))
  const engine = await openEngine(`sqlite:${folder}/ledger.db`, { random: Math.random })
  const dispose = async () => {
    await engine.close()
    await rm(folder, { recursive: true })
  }
  return { engine, ledger: createStore(engine), [Symbol.asyncDispose]: dispose }
}

conformance('SQLite in a file', inFile)
sequences('SQLite in memory', inMemory)
const fresh = files(after)
copying('from file to file', { from: fresh, to: fresh })
schemas('SQLite', fresh)
processes('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'burn-ledger-'))
  return { url: `sqlite:${folder}/ledger.db`, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) }
})

it('a commit is on disk when it returns, and references are held', async () => {
  await using opened = await inFile()
  const pragma = async (name: string) =>
    Object.values((await opened.engine.db.executeQuery<object>(CompiledQuery.raw(`pragma ${name}`))).rows[0] ?? {})
  const full = 2
  assert.deepEqual(await Promise.all(['journal_mode', 'synchronous', 'foreign_keys'].map(pragma)), [['wal'], [full], [1]])
})
