/** A change of a sprint comes back from CI: another sprint continues it in the same branch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChatMessage } from '../stand-ins/model/replies.ts'
import { inside } from './inside.ts'
import { repo, sprintRig } from './rig.ts'

const call = (name: string, args: object) => ({ text: '', calls: [{ name, args }] })
const asksForFix = (messages: readonly ChatMessage[]) => messages.some(({ content }) => (content ?? '').includes('check: unit tests'))

test('sprint: continues its change after a failed check', async (t) => {
  const rig = await sprintRig(t, {
    issues: [{ title: 'one', body: 'in notes' }],
    script: (messages) => {
      const wrote = messages.some(({ role }) => role === 'tool')
      const content = asksForFix(messages) ? 'fixed\n' : 'first\n'
      return wrote ? { text: 'I wrote the note.' } : call('write_file', { path: 'notes/1.md', content })
    },
    sprint: { sandbox: { use: 'off' } },
  })
  const { run, context } = await inside(t, rig)
  const heads = () => context.session.ledger.reviewView().then(({ dispatches }) => dispatches.map(({ watched }) => watched?.state.sha))
  const [first] = await run()
  assert.equal(first?.outcome, 'change')
  await run()
  const [before] = await heads()
  assert.ok(before !== undefined)
  const { ci } = rig.forge.state.repo(repo)
  ci.statuses.set(before, [{ id: 1, context: 'unit tests', state: 'failure', description: 'boom', target_url: '', created: 0 }])
  const [second] = await run()
  assert.deepEqual([second?.id, second?.outcome], [first.id, 'change'])
  await run()
  const [after] = await heads()
  assert.notEqual(after, before)
  const dispatches = await context.session.ledger.dispatches({})
  assert.deepEqual(
    dispatches.map(({ state }) => state),
    ['review'],
  )
  const steps = await context.session.ledger.changeSteps([first.id])
  assert.deepEqual(
    steps.map(({ action, outcome }) => [action, outcome]),
    [['fix_checks', 'done']],
  )
})
