/** The set-up script on machines that lack a program. PATH has only basic tools and scripts that imitate npm, node and others. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { root } from './sources.ts'

const tools = 'sh cat find mkdir mktemp rm touch dirname grep id uname env tail readlink'.split(' ')

/** Creates a project with only the scripts, and a folder for PATH with basic tools and the given sh scripts. */
function machine(t: TestContext, programs: Readonly<Record<string, string>>): { dir: string; bin: string } {
  const dir = mkdtempSync(join(tmpdir(), 'burn-setup-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const bin = join(dir, 'path')
  for (const folder of [bin, join(dir, 'test')]) mkdirSync(folder)
  cpSync(join(root, 'scripts'), join(dir, 'scripts'), { recursive: true })
  writeFileSync(join(dir, 'package-lock.json'), '{}')
  writeFileSync(join(dir, 'test/run.ts'), "console.log('ran', JSON.stringify(process.argv.slice(2)))")
  for (const tool of tools) symlinkSync(['/bin', '/usr/bin'].map((folder) => join(folder, tool)).find(existsSync) ?? '', join(bin, tool))
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  return { dir, bin }
}

/** Runs the script with a home that even root cannot write: a path below a file. */
function setUp(at: { dir: string; bin: string }, args: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(
      '/bin/sh',
      ['scripts/with-setup.sh', ...args],
      { cwd: at.dir, env: { PATH: at.bin, HOME: join(at.dir, 'package-lock.json/home') } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr })
      },
    )
  })
}

const newNode = `exec "${process.execPath}" "$@"`
const oldNode = 'test "$1" = --version && echo v20.1.0; exit 1'
const installs = 'mkdir -p node_modules && : > node_modules/.package-lock.json && echo "cache $npm_config_cache" >> npm.log'

test('setup: installs once and passes arguments on', async (t) => {
  const at = machine(t, { node: newNode, npm: installs, tmux: ':', sshd: ':', bwrap: ':' })
  const first = await setUp(at, ['test', 'a b', '--c'])
  assert.match(first.out, /installing node modules/)
  assert.match(first.out, /ran \["a b","--c"\]/)
  assert.equal(first.code, 0)
  assert.match(readFileSync(join(at.dir, 'npm.log'), 'utf8'), /^cache (?!.*package-lock)\//)
  assert.doesNotMatch((await setUp(at, ['test'])).out, /installing/)
})

test('setup: reports an unreachable registry', async (t) => {
  const at = machine(t, {
    node: newNode,
    npm: 'test "$1" = ci && { echo "npm error code ENOTFOUND" >&2; exit 1; }; echo https://registry.example',
  })
  const { code, out } = await setUp(at, ['test'])
  assert.match(out, /ENOTFOUND[\s\S]*registry \(https:\/\/registry\.example\) could not be reached/)
  assert.equal(code, 1)
})

test('setup: reports the Node version that it needs', async (t) => {
  const { code, out } = await setUp(machine(t, { node: oldNode, npm: installs }), ['test'])
  assert.match(out, /needs Node 22\.19 or newer, and found v20\.1\.0/)
  assert.equal(code, 1)
})

test('setup: prefers the Node of node_modules to an old one', async (t) => {
  const at = machine(t, { node: oldNode, npm: installs, tmux: ':', sshd: ':', bwrap: ':' })
  mkdirSync(join(at.dir, 'node_modules/node-linux-any/bin'), { recursive: true })
  symlinkSync(process.execPath, join(at.dir, 'node_modules/node-linux-any/bin/node'))
  assert.match((await setUp(at, ['test'])).out, /ran \[\]/)
})

test('setup: prints the command that installs a missing tmux', async (t) => {
  const noSudo = { node: newNode, npm: installs, 'apt-get': 'echo "no network" >&2; exit 100' }
  const { code, out } = await setUp(machine(t, noSudo), ['demo'])
  assert.match(out, /sudo apt-get install -y tmux/)
  assert.equal(code, 1)
})
