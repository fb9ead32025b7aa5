import type { Opened } from './fixtures.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEngine } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { conformance } from './conformance.ts'
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

conformance('SQLite in memory', inMemory)
conformance('SQLite in a file', inFile)
sequences('SQLite in memory', inMemory)
