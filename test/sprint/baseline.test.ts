/** Only the model's own changes count: not files that are dirty after checkout, and not what setup or a check leaves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import { gitAs } from '../stand-ins/gitea/git.ts'
import { inside } from './inside.ts'
import { sprintRig, type RigOptions, type SprintRig } from './rig.ts'

const unconfined = { sandbox: { use: 'off' } }
const call = (path: string, content: string) => ({ calls: [{ name: 'write_file', args: { path, content } }] })

/** Returns the names of the files that the pushed branch of issue 1 changes. */
function pushedFiles({ bare, changes }: SprintRig): string[] {
  const branch = changes().get(1)?.[0]?.branch ?? ''
  return gitAs(bare, 'diff', '--name-only', 'main', branch).split('\n')
}

const crlf = { '.gitattributes': '*.txt text\n', 'a.txt': 'one\r\ntwo\r\n', 'b.txt': 'b\r\n', 'notes/0.md': 'fine\n' }
const options = (more: Partial<RigOptions>) => ({
  issues: [{ title: 'One' }],
  files: crlf,
  sprint: unconfined,
  script: () => ({}),
  ...more,
})

test('baseline: leaves out files that are dirty after checkout and setup', async (t) => {
  const script: Script = (messages) => (messages.some(({ role }) => role === 'tool') ? { text: 'Done.' } : call('b.txt', 'b\r\nmore\r\n'))
  const rig = await sprintRig(t, options({ script, repo: { setup: 'touch *.txt; echo x >generated; echo x >>notes/0.md' } }))
  const [row] = await (await inside(t, rig)).run()
  assert.deepEqual([row?.outcome, row?.failure_text], ['change', null])
  assert.deepEqual(pushedFiles(rig), ['b.txt'])
})

test('baseline: a sprint without own changes fails as no_change', async (t) => {
  const rig = await sprintRig(t, options({ script: () => ({ text: 'Done.' }), repo: { setup: 'touch *.txt; echo x >generated' } }))
  const [row] = await (await inside(t, rig)).run()
  assert.equal(row?.failure, 'no_change')
})

test('check: files that a failed check leaves are not committed', async (t) => {
  const script: Script = (messages) => {
    const done = messages.filter(({ role }) => role === 'tool').length
    const isRetry = (messages.at(-1)?.content ?? '').includes('fails with your change')
    return done === 0 ? call('notes/1.md', 'BROKEN\n') : isRetry ? call('notes/2.md', 'mended\n') : { text: 'Done.' }
  }
  const check = 'mkdir -p __pycache__; date +%N >__pycache__/a.pyc; echo formatted >>notes/1.md; test -e notes/2.md'
  const rig = await sprintRig(t, options({ script, check }))
  const [row] = await (await inside(t, rig)).run()
  assert.deepEqual([row?.outcome, row?.failure_text], ['change', null])
  assert.deepEqual(pushedFiles(rig), ['notes/1.md', 'notes/2.md'])
  assert.equal(gitAs(rig.bare, 'show', `${rig.changes().get(1)?.[0]?.branch}:notes/1.md`), 'BROKEN')
})
