/** Git LFS files, with the real git-lfs and an LFS server that wants the forge's token. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { recordBaseline } from '../../src/git/baseline.ts'
import { stageChanges } from '../../src/git/changes.ts'
import { checkOutLfs } from '../../src/git/lfs.ts'
import { credentialResponse } from '../../src/git/credential.ts'
import { openRig, token } from './rig.ts'

const skip = spawnSync('git', ['lfs', 'version']).status === 0 ? false : 'git-lfs is not installed here'
const picture = Buffer.from('a large picture\n')
const oid = createHash('sha256').update(picture).digest('hex')
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${picture.length}\n`

/** Serves one object by the batch API of Git LFS. Returns the URL and the `Authorization` headers of accepted requests. */
async function lfsServer(t: TestContext) {
  const basic = `Basic ${Buffer.from(`burn:${token}`).toString('base64')}`
  const logins: (string | undefined)[] = []
  const server = createServer((request, response) => {
    request.resume()
    if (request.url === '/object') return void response.end(picture)
    logins.push(request.headers.authorization)
    if (request.headers.authorization !== basic)
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="Gitea"', 'lfs-authenticate': 'Basic realm="Gitea"' }).end()
    const objects = [{ oid, size: picture.length, authenticated: true, actions: { download: { href: `${url}/object` } } }]
    response.writeHead(200, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify({ transfer: 'basic', objects }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  return { url, logins, basic }
}

const files = { 'art/.gitattributes': '*.png filter=lfs diff=lfs merge=lfs -text\n', 'art/a.png': pointer, 'b.txt': 'b\n' }

async function pointerWorkspace(t: TestContext) {
  const rig = await openRig(t, files)
  const made = await rig.workspace()
  const { url, logins, basic } = await lfsServer(t)
  writeFileSync(join(rig.home, '.netrc'), 'machine 127.0.0.1 login ann password tok-of-ann\n', { mode: 0o600 })
  const login = { forge_url: url, answer: async () => credentialResponse('burn', token) }
  const workspace = { ...made, mirror: { ...made.mirror, clone_url: `${url}/acme/app` } }
  return { ...rig, git: { ...rig.git, login }, workspace, logins, basic }
}

test("LFS: files come from the forge with the forge's token", { skip }, async (t) => {
  const { git, workspace, logins, basic } = await pointerWorkspace(t)
  assert.equal(await checkOutLfs(git, workspace), null)
  assert.equal(readFileSync(join(workspace.path, 'art/a.png'), 'utf8'), picture.toString())
  assert.deepEqual([...new Set(logins)].toSorted(), [basic, undefined])
  await recordBaseline(git, workspace)
  utimesSync(join(workspace.path, 'art/a.png'), 1, 1)
  assert.deepEqual((await stageChanges(git, workspace)).files, [], 'a fetched file is no change')
})

test('LFS: says that git-lfs is missing', async (t) => {
  const { root, git, workspace } = await pointerWorkspace(t)
  const bin = join(root, 'bin')
  mkdirSync(bin)
  for (const program of ['git', 'sh'])
    symlinkSync(spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim(), join(bin, program))
  const problem = await checkOutLfs({ ...git, env: { ...git.env, PATH: bin } }, workspace)
  assert.equal(problem, 'the Git LFS files of the repo stay pointers: git-lfs is not installed on this machine')
  assert.equal(readFileSync(join(workspace.path, 'art/a.png'), 'utf8'), pointer)
})
