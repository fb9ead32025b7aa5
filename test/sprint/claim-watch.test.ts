/** The watch over a sprint's claim, with a virtual clock. */
import type { Notice } from '../../src/core/events.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sprint } from '../../src/core/sprint.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import { whileClaimed } from '../../src/sprint/claim-watch.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { eventText } from '../../src/decide/event-kinds.ts'

test('claim: if another process ends the sprint, its work stops', async () => {
  const clock = new VirtualClock(0)
  const rows = [{ ended_at: null }, new Error('busy'), { ended_at: null }, { ended_at: 25_000 }]
  const messages: string[] = []
  const sprints = async () => {
    const row = rows.shift()
    if (row instanceof Error) throw row
    return [row] as unknown as Sprint[]
  }
  const session = { ledger: { sprints } as unknown as Ledger, clock, notify: (notice: Notice) => void messages.push(eventText(notice)) }
  const work = async (stop: AbortSignal) => {
    await clock.sleep(3_600_000, stop)
    return stop.aborted
  }
  let stopped: boolean | null = null
  const ended = whileClaimed('a', session, new AbortController().signal, work).then((result) => (stopped = result))
  await clock.run(() => stopped !== null)
  await ended
  assert.deepEqual([stopped, clock.now(), messages], [true, 40_000, ['the sprint could not check its claim: busy']])
  assert.equal(await whileClaimed('a', session, new AbortController().signal, async () => 'done'), 'done')
})
