import type { Opened } from './fixtures.ts'
import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { openEngine } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { startPostgres } from '../support/postgres.ts'
import { conformance } from './conformance.ts'
import { withCode } from './fixtures.ts'
import { copying, files } from './keeping.ts'
import { processes } from './processes.ts'
import { sequences } from './sequences.ts'

const server = await startPostgres()
after(() => server?.stop())

if (server === null) it('ledger on PostgreSQL', { skip: 'no PostgreSQL came with the node modules, and none is installed' }, () => {})
else {
  const open = async (): Promise<Opened> => {
    const engine = await openEngine(await server.fresh(), { random: Math.random })
    return { engine, ledger: createStore(engine), [Symbol.asyncDispose]: () => engine.close() }
  }
  conformance(`PostgreSQL ${server.version}`, open)
  sequences(`PostgreSQL ${server.version}`, open, 8)
  const fresh = files(after)
  copying(`from a file to PostgreSQL ${server.version}`, { from: fresh, to: server.fresh })
  copying(`from PostgreSQL ${server.version} to a file`, { from: server.fresh, to: fresh })
  processes(`PostgreSQL ${server.version}`, async () => ({ url: await server.fresh(), [Symbol.asyncDispose]: async () => {} }))

  it('a password in the URL is never shown', async () => {
    const url = new URL(await server.fresh())
    url.password = 'hunter2'
    const engine = await openEngine(url.toString(), { random: Math.random })
    assert.ok(!engine.where.includes('hunter2'))
    await engine.close()
  })

  it('a server that is not there, a database that is not there: said, with what to do', async () => {
    const url = new URL(await server.fresh())
    url.pathname = '/nothing'
    await assert.rejects(openEngine(url.toString(), { random: Math.random }), withCode('ledger_open'))
    url.port = '1'
    await assert.rejects(openEngine(url.toString(), { random: Math.random }), withCode('ledger_unreachable'))
  })
}
