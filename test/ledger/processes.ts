/** Tests with several processes on one ledger, some of which are killed. Each engine calls them with its own places. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { openEngine } from '../../src/ledger/open.ts'
import { createStore } from '../../src/ledger/store.ts'
import { batchOf, furnishMany } from './batches.ts'
import { holdWorker, withCode } from './fixtures.ts'
import { because } from '../support/reasons.ts'
import { sourceOptions } from '../support/sources.ts'

const script = resolve(import.meta.dirname, 'claimer.ts')

interface Child extends AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams
  readonly line: () => Promise<string>
}

/** Starts `claimer.ts` on a ledger, and waits until it has opened the ledger. */
export async function start(url: string, owner: string, what: string): Promise<Child> {
  const process_ = spawn(process.execPath, [...sourceOptions, script, url, owner, what])
  const ended = once(process_, 'exit')
  process_.stderr.pipe(process.stderr)
  const lines = createInterface(process_.stdout)[Symbol.asyncIterator]()
  const line = async () => String((await lines.next()).value)
  const dispose = async () => {
    process_.kill('SIGKILL')
    await ended
  }
  assert.equal(await line(), 'ready')
  return { process: process_, line, [Symbol.asyncDispose]: dispose }
}

/** A place for a new ledger. */
export interface Place extends AsyncDisposable {
  readonly url: string
}

/** Returns a new ledger with workers and 500 open issues. */
export async function furnished({ url, [Symbol.asyncDispose]: leave }: Place) {
  const engine = await openEngine(url, { random: Math.random })
  const ledger = createStore(engine)
  await furnishMany(ledger, 500)
  const dispose = async () => {
    await engine.close()
    await leave()
  }
  return { url, engine, ledger, [Symbol.asyncDispose]: dispose }
}

/** Declares the tests of an engine. */
export function processes(name: string, freshPlace: () => Promise<Place>): void {
  describe(`several processes on one ledger on ${name}`, () => {
    it('claim: several processes win each issue exactly once', async () => {
      await using shared = await furnished(await freshPlace())
      await using children = new AsyncDisposableStack()
      const claimers = await Promise.all(['a', 'b', 'c'].map(async (owner) => children.use(await start(shared.url, owner, 'claim'))))
      for (const { process } of claimers) process.stdin.write('go\n')
      const won = await Promise.all(claimers.map(async ({ line }) => JSON.parse(await line()) as string[]))
      assert.equal(won.flat().length, 500)
      assert.equal(new Set(won.flat()).size, 500)
      assert.equal((await shared.ledger.view()).dispatches.length, 500)
      assert.deepEqual(await brokenInvariants(shared.engine.db), [])
    })

    it('claim: concurrent claims and writes conflict without errors', async () => {
      await using shared = await furnished(await freshPlace())
      await using children = new AsyncDisposableStack()
      const claimers = await Promise.all(['a', 'b'].map(async (owner) => children.use(await start(shared.url, owner, 'cross'))))
      for (const { process } of claimers) process.stdin.write('go\n')
      const over = new AbortController()
      const won = Promise.all(claimers.map(async ({ line }) => Number(await line()))).finally(() => over.abort())
      const idle = 'm/W/N99'
      // Reads and writes of a file never yield to the event loop, so each round yields explicitly. Otherwise the output of the children
      // would not be read.
      for (let round = 0; !over.signal.aborted; round++, await setImmediate()) {
        await holdWorker(shared.ledger, idle, round % 2 === 0 ? 'looking' : null, round)
        await shared.ledger.recordWorkers([{ id: `m/W/NEW${round}`, drawn: true }], round)
        await shared.ledger.requeue(`o/r#${round % 200}`, round)
        const { dispatches } = await shared.ledger.view()
        const [first] = dispatches
        if (first !== undefined)
          await shared.ledger.moveDispatches([{ id: first.id, from: ['claimed'], to: 'handed', reason: because('typed') }], round)
        assert.equal(new Set(dispatches.map(({ issue }) => issue)).size, dispatches.length)
      }
      const events = await shared.ledger.events({ limit: 100_000 })
      assert.equal(
        events.filter(({ kind }) => kind === 'dispatch.claimed').length,
        (await won).reduce((sum, count) => sum + count),
      )
      await shared.ledger.check()
    })

    it('killed process: leaves no part of a batch and no lock', async () => {
      await using shared = await furnished(await freshPlace())
      const child = await start(shared.url, 'a', 'stuck')
      assert.equal(await child.line(), 'inside')
      const impatient = createStore(await openEngine(shared.url, { random: Math.random, tries: 3 }))
      await assert.rejects(impatient.claim(batchOf('b', 0, 25, 500), 'b', 1000, 10), withCode('ledger_busy'))
      assert.equal((await impatient.view()).dispatches.length, 0)
      await impatient.close()
      await child[Symbol.asyncDispose]()
      assert.deepEqual(await shared.ledger.dispatches({}), [])
      assert.equal((await shared.ledger.claim(batchOf('b', 0, 25, 500), 'b', 1000, 10)).length, 25)
      await shared.ledger.check()
    })

    it('killed process: leaves whole batches at any moment', async () => {
      await using shared = await furnished(await freshPlace())
      for (const after of [1, 4]) {
        const child = await start(shared.url, `k${after}-`, 'busy')
        for (let batch = 0; batch < after; batch++) await child.line()
        await child[Symbol.asyncDispose]()
        const { dispatch } = (await shared.ledger.check()).rows
        assert.equal((dispatch ?? 1) % 25, 0)
        const { dispatches } = await shared.ledger.view()
        assert.ok([0, 25].includes(dispatches.length), `${dispatches.length} live`)
        await shared.ledger.moveDispatches(
          dispatches.map(({ id }) => ({ id, from: ['claimed'], to: 'released', reason: because('cleared') })),
          12,
        )
      }
    })
  })
}
