/** The conformance suite on SQLite, in files and in memory. */
import type { Opened } from './fixtures.ts'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { CompiledQuery } from 'kysely'
import { once } from '../../src/core/memo.ts'
import { openEngine } from '../../src/ledger/open.ts'
import { tableNames } from '../../src/ledger/schema.ts'
import { createStore } from '../../src/ledger/store.ts'
import { newLedger } from '../support/ledger.ts'
import { conformance } from './conformance.ts'
import { copying, files } from './keeping.ts'
import { processes } from './processes.ts'
import { schemas } from './schema.ts'
import { sequences } from './sequences.ts'

/** A ledger in memory, which is emptied after each test. */
const memory = once(() => openEngine('sqlite::memory:', { random: Math.random }))
after(async () => (await memory()).close())
const deletes = tableNames.map((name) => `delete from "${name}"${name === 'meta' ? " where key <> 'version'" : ''}`)

async function inMemory(): Promise<Opened> {
  const engine = await memory()
  const dispose = async () => {
    for (const statement of ['pragma foreign_keys = off', ...deletes, 'pragma foreign_keys = on'])
      await engine.db.executeQuery(CompiledQuery.raw(statement))
  }
  return { engine, ledger: createStore(engine), [Symbol.asyncDispose]: dispose }
}

async function inFile(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'burn-ledger-'))
  await newLedger(`${folder}/ledger.db`)
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

it('pragmas: commits are synchronous, and references are enforced', async () => {
  await using opened = await inFile()
  const pragma = async (name: string) =>
    Object.values((await opened.engine.db.executeQuery<object>(CompiledQuery.raw(`pragma ${name}`))).rows[0] ?? {})
  const full = 2
  assert.deepEqual(await Promise.all(['journal_mode', 'synchronous', 'foreign_keys'].map(pragma)), [['wal'], [full], [1]])
})
