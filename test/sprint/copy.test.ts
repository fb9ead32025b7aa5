/** Files of the operator in a workspace: checks can read them, but burn never commits them, and reports hide their secrets. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import { gitAs } from '../stand-ins/gitea/git.ts'
import type { Workspace } from '../../src/git/places.ts'
import { copyFiles } from '../../src/sprint/copy.ts'
import { inside } from './inside.ts'
import { filesWith, sprintRig } from './rig.ts'

const password = 'correct-horse-battery'
const unconfined = { sandbox: { use: 'off' } }

test('copy: brings ignored files, never commits them, hides their secrets', async (t) => {
  const commands = [
    `echo fine >notes/1.md; echo >.gitignore; echo MORE=1 >>.env; cat .env config/local.json .env.example`,
    'cp .env notes/leak.md',
  ]
  let command = 0
  const script: Script = (messages) =>
    messages.at(-1)?.role === 'tool'
      ? { text: `Done. It is ${password}.` }
      : { calls: [{ name: 'run_command', args: { command: commands[command] } }] }
  const files = { '.gitignore': '.env\nconfig\n', '.env.example': 'PASSWORD=\n', 'notes/0.md': 'fine\n' }
  const rig = await sprintRig(t, {
    issues: [{ title: 'One' }, { title: 'Two' }],
    files,
    script,
    sprint: unconfined,
    check: 'test -f .env && cat config/local.json',
    repo: { copy: { from: 'checkout', files: ['.env*', 'config/*.json'] } },
  })
  const checkout = join(rig.dir, 'checkout')
  mkdirSync(join(checkout, 'config'), { recursive: true })
  writeFileSync(join(checkout, '.env'), `PASSWORD="${password}"\n`, { mode: 0o600 })
  writeFileSync(join(checkout, '.env.example'), 'mine\n')
  writeFileSync(join(checkout, 'config/local.json'), `{ "key": "${password}" }\n`)
  const sprints = await inside(t, rig)
  const [row] = await sprints.run()
  assert.deepEqual([row?.outcome, row?.failure_text], ['change', null])
  const [change] = rig.changes().get(1) ?? []
  assert.deepEqual(gitAs(rig.bare, 'diff', '--name-only', 'main', change?.branch ?? '').split('\n'), ['.gitignore', 'notes/1.md'])
  assert.equal(readFileSync(join(checkout, '.env'), 'utf8'), `PASSWORD="${password}"\n`)
  assert.ok(!change?.body.includes(password))
  assert.deepEqual(filesWith(rig.state, password, []), [], 'no transcript has the secret')
  assert.ok(!JSON.stringify(sprints.updates).includes(password))
  command = 1
  const [leaking] = await sprints.run()
  assert.deepEqual([leaking?.outcome, leaking?.failure], ['kept', 'protected_paths'])
  assert.match(leaking?.failure_text ?? '', /notes\/leak\.md/)
})

test('copy: a missing file or a link ends the sprint', async (t) => {
  const rig = await sprintRig(t, {
    issues: [{ title: 'One' }, { title: 'Two' }],
    script: () => ({ text: 'Done.' }),
    sprint: unconfined,
    repo: { copy: { from: 'checkout', files: ['.env'] } },
  })
  const sprints = await inside(t, rig)
  mkdirSync(join(rig.dir, 'checkout'))
  assert.match((await sprints.run())[0]?.failure_text ?? '', /no file in \S+checkout matches "\.env"/)
  symlinkSync(join(rig.dir, 'forge.secret'), join(rig.dir, 'checkout/.env'))
  assert.match((await sprints.run({ now: true }))[0]?.failure_text ?? '', /\.env is a symbolic link/)
  rmSync(join(rig.dir, 'checkout/.env'))
  writeFileSync(join(rig.dir, 'outside'), 'x')
  await assert.rejects(
    copyFiles({ from: join(rig.dir, 'checkout'), files: ['../outside'] }, { path: rig.dir } as Workspace),
    /outside is not below/,
  )
  assert.equal(rig.model.requests.length, 0)
})
