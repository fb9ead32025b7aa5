/** The walls of sprints: closed if they do not work, and what a command does is charged to its attempt. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import { brittle, without } from '../sandbox/opened.ts'
import { inside, type Inside } from './inside.ts'
import { code, commentsOf, ended } from './judge.ts'
import { repo, sprintRig, type SprintRig } from './rig.ts'

/** Sprints in bubblewrap, which works until `breakIt` is called. */
async function confined(
  t: TestContext,
  script: Script = () => ({ text: 'Done.' }),
): Promise<{ rig: SprintRig; sprints: Inside; breakIt: () => void }> {
  const rig = await sprintRig(t, { issues: [{ title: 'One' }, { title: 'Two' }], script, sprint: { sandbox: { use: 'auto' } } })
  const bin = join(rig.dir, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'bwrap'), brittle, { mode: 0o755 })
  const sprints = await inside(t, { ...rig, env: { ...rig.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } })
  return { rig, sprints, breakIt: () => writeFileSync(join(bin, 'broken'), '') }
}

test('bubblewrap that does not work: nothing is claimed, and "auto" is deprecated', { skip: without }, async (t) => {
  const { rig, sprints, breakIt } = await confined(t)
  assert.match(sprints.said.join('\n'), /"use": "auto" is deprecated and means "require"/)
  breakIt()
  await assert.rejects(sprints.run(), code('sandbox_failed'))
  assert.deepEqual(await sprints.context.session.ledger.sprints({}), [])
  assert.deepEqual([commentsOf(rig), rig.model.requests.length], [[], 0])
})

test('bubblewrap that stops working in a sprint: no command runs unconfined, no attempt is counted', { skip: without }, async (t) => {
  const { rig, sprints, breakIt } = await confined(t, () => {
    breakIt()
    return { calls: [{ name: 'run_command', args: { command: `cat ${rig.dir}/forge.secret; touch ${rig.dir}/escaped` } }] }
  })
  const rows = await sprints.run({ count: 2 })
  assert.equal(rows.length, 1)
  await ended(rows[0], 'sandbox_failed', 'released', sprints)
  assert.match(rows[0]?.failure_text ?? '', /Creating new namespace failed/)
  assert.equal((await sprints.context.session.ledger.issue(`${repo}#1`))?.attempts, 0)
  assert.equal(existsSync(join(rig.dir, 'escaped')), false)
  assert.equal(rig.model.requests.length, 1)
})
