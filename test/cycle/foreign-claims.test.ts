/** Issues that another fleet claimed, at the front of the queues. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { said } from '../support/reasons.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

/** Makes a fleet of four workers with one slot each. Another fleet has claimed the first `taken` of `count` issues. */
async function besideAnother(t: TestContext, count: number, taken: number) {
  const issues = issuesOf(count)
  const fleet = await simulatedFleet(t, issues)
  const { forge, run } = fleet
  const comments = forge.comments.bind(forge)
  let reads = 0
  forge.comments = (ref) => ((reads += 1), comments(ref))
  for (const [index, { ref }] of issues.slice(0, taken).entries())
    await run(forge.comment(ref, `<!-- burn:1 fleet=other dispatch=0k3v9w2x4ab${String(10 + index)} state=claimed -->\nClaimed.`))
  return { ...fleet, ...(await fleet.open()), reads: () => reads }
}

test('foreign claims: burn assigns their slots again in the same cycle', async (t) => {
  const { cycle, ledger, reads } = await besideAnother(t, 12, 7)
  const { claimed } = await cycle()
  assert.deepEqual(claimed.map(({ issue }) => issue).toSorted(), ['o/a#10', 'o/b#11', 'o/b#8', 'o/c#9'])
  assert.match(said((await ledger.issue('o/a#1'))?.verdict?.reason), /^claimed by fleet other /)
  assert.equal(reads(), 7, 'burn read the comments of each issue once')
  await cycle()
  assert.equal(reads(), 7, 'burn does not read them again while nothing changes')
})

test('foreign claims: a cycle repeats its assignment at most four times', async (t) => {
  const { cycle, reads } = await besideAnother(t, 40, 36)
  assert.deepEqual((await cycle()).claimed, [])
  assert.ok(reads() <= 5 * 4 * 3, `${reads()} requests`)
  const first = reads()
  const later = [...(await cycle()).claimed, ...(await cycle()).claimed]
  assert.equal(later.length, 4)
  assert.equal(reads(), 36, `${first} in the first cycle`)
})

test('foreign claims: an issue with unreadable comments blocks no slot', async (t) => {
  const { cycle, forge, notices } = await besideAnother(t, 6, 1)
  const comments = forge.comments.bind(forge)
  forge.comments = (ref) => (ref === 'o/a#1' ? Promise.reject(new Error('no answer')) : comments(ref))
  assert.deepEqual((await cycle()).claimed.map(({ issue }) => issue).toSorted(), ['o/a#4', 'o/b#2', 'o/b#5', 'o/c#3'])
  assert.match(notices.join('\n'), /not claimed: burn could not read the comments on the issue: no answer/)
})
