/** People steer issues by comments. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RepoComment } from '../../src/core/ports.ts'
import { BurnError } from '../../src/core/errors.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

test('steering by comment: stops and retries an issue, each once', async (t) => {
  const fleet = await simulatedFleet(t, issuesOf(1))
  const { cycle, ledger, session } = await fleet.open()
  const { forge, clock } = fleet
  const comments: RepoComment[] = []
  const reactions: string[] = []
  let [asked, isDown] = [0, false]
  const write = (body: string, author = 'ann') => {
    comments.push({ ref: 'o/a#1', id: String(comments.length + 1), author, body, created_at: clock.now() })
    fleet.people.put('o/a', { name: '#99', closes: [] })
  }
  Object.assign(forge, {
    writers: async () => ['burn', 'ann'],
    repoComments: async (_: string, since: number) => {
      asked += 1
      return { comments: comments.filter(({ created_at }) => created_at >= since), asked_at: clock.now() }
    },
    react: async (_: string, id: string, reaction: string) => {
      if (isDown) throw new BurnError('forge_unavailable', 'no answer', 'wait')
      reactions.push(`${id} ${reaction}`)
    },
  })
  const claimed = async () => (await cycle()).claimed.map(({ issue }) => issue)
  write('/burn stop')
  await fleet.pass(1_000)
  assert.deepEqual(await claimed(), ['o/a#1'], 'burn obeys no comment that is older than its first reading')
  await fleet.pass(60_000)
  write('/burn stop', 'eve')
  write('> /burn stop')
  await cycle()
  assert.deepEqual(
    (await ledger.dispatches({ issue: 'o/a#1' })).map(({ state }) => state),
    ['handed'],
  )
  await fleet.pass(1_000)
  write('/burn stop')
  isDown = true
  await cycle()
  const stopped = await ledger.issue('o/a#1')
  assert.deepEqual([stopped?.stopped_by, (await ledger.dispatches({ issue: 'o/a#1' }))[0]?.state, reactions], ['ann', 'released', []])
  isDown = false
  assert.deepEqual(await claimed(), [])
  assert.deepEqual((await ledger.issue('o/a#1'))?.verdict?.reason, { code: 'stopped', login: 'ann' })
  assert.deepEqual(reactions, ['4 thumbs_up'], 'the reaction comes later, once')
  await fleet.pass(40_000)
  await cycle()
  const before = asked
  await fleet.pass(40_000)
  await cycle()
  assert.equal(asked, before, 'without news burn asks for no comments')
  write('/burn retry')
  write('/burn faster')
  await cycle()
  assert.deepEqual(reactions.slice(1).toSorted(), ['5 thumbs_up', '6 confused'])
  await fleet.pass(1_000)
  const events = await ledger.events({ issue: 'o/a#1', kinds: ['issue.steered'] })
  assert.equal(events.length, 3)
  assert.equal((await session.ledger.issue('o/a#1'))?.stopped_by, null)
})
