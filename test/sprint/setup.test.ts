/** The setup command may configure git for commands in the sandbox, but not for burn's git or for a model. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import { mirrorConfigs } from '../../src/git/config.ts'
import { skipReason } from '../sandbox/opened.ts'
import { branchIn, gitAs } from '../stand-ins/gitea/git.ts'
import { inside } from './inside.ts'
import { repo, secrets, sprintRig } from './rig.ts'

const confined = { sandbox: { use: 'require' } }

test('setup: configures git only for commands in the sandbox', { skip: skipReason }, async (t) => {
  const outputs: string[] = []
  const script: Script = (messages) => {
    const last = messages.at(-1)
    if (last?.role === 'tool') outputs.push(last.content ?? '')
    const commands = [
      'git config core.hooksPath',
      'git config core.hooksPath /tmp',
      'git describe --tags',
      'echo x >notes/1.md; git status --short',
    ]
    const command = commands[messages.filter(({ role }) => role === 'tool').length]
    return command === undefined ? { text: 'Done.' } : { calls: [{ name: 'run_command', args: { command } }] }
  }
  const setup =
    'chmod +x .githooks/* && git config core.hooksPath .githooks && git config filter.x.clean false && git submodule init && git remote get-url origin'
  const files = {
    '.githooks/reference-transaction': '#!/bin/sh\ntouch "$TMPDIR/ran"; exit 1\n',
    'notes/0.md': 'fine\n',
    '.gitattributes': '*.md filter=x\n',
  }
  const rig = await sprintRig(t, { issues: [{ title: 'One' }], files, script, sprint: confined, repo: { setup }, by: 'clone' })
  gitAs(rig.bare, 'tag', 'v1.2', 'main')
  const sprints = await inside(t, rig)
  const [row] = await sprints.run()
  assert.deepEqual([row?.outcome, row?.failure_text], ['change', null])
  assert.match(outputs[0] ?? '', /\.githooks/)
  assert.match(outputs[1] ?? '', /exit code [^0]/)
  assert.match(outputs[2] ?? '', /^v1\.2$/m)
  assert.match(outputs[3] ?? '', /^\?\? notes\/1\.md$/m)
  assert.doesNotMatch(outputs[3] ?? '', /^ M notes/m)
  assert.equal(readFileSync(join(rig.state, 'mirrors', `${repo}.git`, 'config'), 'utf8'), mirrorConfigs.sha1)
  assert.equal(existsSync(join(process.env['TMPDIR'] ?? '/tmp', 'ran')), false)
})

test('setup: reaches only the hosts in the spec', { skip: skipReason }, async (t) => {
  const server = createServer((_, response) => response.end('served\n'))
  t.after(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const get = (host: string) =>
    `exec 3<>/dev/tcp/127.0.0.1/\${http_proxy##*:}; printf 'GET http://${host}:${port}/ HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 | tail -n 1`
  const setup = `[ "$(${get('localhost')})" = served ] || exit 1; (exec 3<>/dev/tcp/127.0.0.1/${port}) && exit 2; ${get('127.0.0.1')}; exit 3`
  const sprint = { sandbox: { use: 'require', setup_hosts: [`localhost:${port}`] } }
  const rig = await sprintRig(t, { issues: [{ title: 'One' }], script: () => ({ text: 'Done.' }), sprint, repo: { setup } })
  const sprints = await inside(t, rig)
  const [row] = await sprints.run()
  assert.equal(row?.failure, 'repo_unusable')
  const notes = sprints.updates.flatMap(({ note }) => (note?.kind === 'note' ? note.text : []))
  assert.match(notes.join('\n'), new RegExp(`exit code 3; the spec does not allow these hosts: 127.0.0.1:${port}`))
})

test('submodules: of the forge are checked out, others get no access', { skip: skipReason }, async (t) => {
  const outputs: string[] = []
  const script: Script = (messages) => {
    const last = messages.at(-1)
    if (last?.role === 'tool') outputs.push(last.content ?? '')
    const command =
      'cat lib/README.md; git -C lib log --oneline | wc -l; git submodule status; git status --short; echo x >notes/1.md; ls -A private'
    return last?.role === 'tool' ? { text: 'Done.' } : { calls: [{ name: 'run_command', args: { command } }] }
  }
  const setup = 'git submodule update --init lib'
  const rig = await sprintRig(t, {
    issues: [{ title: 'One' }],
    also: [],
    script,
    sprint: { ...confined, repos: ['app', 'lib'] },
    repo: { setup },
    by: 'http',
  })
  const [lib, work] = [join(rig.bare, '../lib.git'), join(rig.dir, 'work')]
  gitAs(rig.dir, 'clone', '--quiet', rig.bare, work)
  const oid = branchIn(lib, 'main')
  for (const path of ['lib', 'private']) gitAs(work, 'update-index', '--add', '--cacheinfo', `160000,${oid},${path}`)
  const section = (name: string, url: string) => `[submodule "${name}"]\n\tpath = ${name}\n\turl = ${url}\n`
  writeFileSync(join(work, '.gitmodules'), section('lib', '../lib.git') + section('private', `file://${lib}`))
  gitAs(work, 'add', '.gitmodules')
  gitAs(work, 'commit', '--quiet', '-m', 'submodules')
  gitAs(work, 'push', '--quiet', 'origin', 'main')
  const sprints = await inside(t, rig)
  const [row] = await sprints.run()
  assert.deepEqual([row?.outcome, row?.failure_text], ['change', null])
  assert.match(outputs[0] ?? '', new RegExp(`^# lib\n1\n ${oid} lib.*\n-${oid} private\n\\[exit code 0\\]`))
  const notes = sprints.updates.flatMap(({ note }) => (note?.kind === 'note' ? note.text : []))
  assert.match(notes.join('\n'), /could not check out the submodule private \(file:.*burn does not fetch from such a URL/)
  assert.equal(gitAs(rig.bare, 'diff', '--name-only', 'main', rig.changes().get(1)?.[0]?.branch ?? ''), 'notes/1.md')
  assert.ok(outputs.every((output) => !output.includes(secrets.forge)))
})
