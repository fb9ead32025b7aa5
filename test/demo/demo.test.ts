/** Runs the demo in a pipe, and checks its output against the files that it leaves. */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { whyUnconfined } from '../../demo/setup.ts'
import { compiled, scratch } from '../support/fleet.ts'

const demo = resolve(import.meta.dirname, '../../demo/main.ts')

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Returns a short folder for the demo and its tmux sockets: the path of a socket can have about 100 characters. */
function place(t: TestContext): { readonly tmp: string; readonly env: Readonly<Record<string, string>> } {
  const tmp = scratch(t)
  const { PATH = '', BURN_COMMAND, BURN_STAND_INS } = process.env
  const own = { PATH, TMPDIR: tmp, TMUX_TMPDIR: tmp, NO_COLOR: '1', NODE_COMPILE_CACHE: compiled }
  return { tmp, env: BURN_COMMAND === undefined || BURN_STAND_INS === undefined ? own : { ...own, BURN_COMMAND, BURN_STAND_INS } }
}

function started(words: readonly string[], env: Readonly<Record<string, string>>) {
  let out = ''
  let err = ''
  const child = execFile(process.execPath, [demo, ...words], { env })
  child.stdout?.on('data', (chunk: string) => (out += chunk))
  child.stderr?.on('data', (chunk: string) => (err += chunk))
  const ended = new Promise<Ran>((done) => child.once('close', (code) => done({ code: code ?? -1, out, err })))
  return { child, ended }
}

function socketsIn(tmp: string): string[] {
  return readdirSync(tmp)
    .filter((name) => name.startsWith('tmux-'))
    .flatMap((name) => readdirSync(join(tmp, name)))
}

const filesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [])

test('demo: does 20 issues, and leaves only its folder', async (t) => {
  const { tmp, env } = place(t)
  const { code, out, err } = await started([], env).ended
  assert.equal(code, 0, out + err)
  const rows = out.split('\n')
  assert.equal(rows.filter((row) => /^✓ {2}(?:kettle|handbook|toolbox)#\d+ .* burn\/\w{13} /.test(row)).length, 20, out)
  for (const why of [
    /^- {2}kettle#4 .*label "epic"/m,
    /^- {2}handbook#6 .*qx77, who has no write access/m,
    /^- {2}toolbox#4 .*assigned to mara/m,
    /^\? {2}handbook#3 .*ATHENA/m,
  ])
    assert.match(out, why)
  for (const line of [
    /^\$ burn up$/m,
    /^\$ burn christen/m,
    /^\$ burn dispatch/m,
    /^✓ toolbox#5 a failed check: came back, and its worker fixed it$/m,
    /^✓ handbook#1 a review: came back, and its worker fixed it$/m,
    /^The change of handbook#1 came back after a review, and \w+ fixed it\.$/m,
    /tmux -L burn-demo-\w+ attach -t DEMO:CRUCIBLE/,
    /^\$ burn sprint run --issue handbook#10$/m,
    /local\/handbook#10 .* change .* demo-model/,
    /with its issue: it is right\.$/m,
    /"forge": \{ "kind": "gitea"/,
    /"agent": \{ "kind": "hermes" \}/,
  ])
    assert.match(out, line)
  assert.doesNotMatch(out, /\x1b/, 'no escape sequences into a pipe')
  assert.deepEqual(socketsIn(tmp), [], 'its tmux server has ended')
  const [folder = '', ...more] = readdirSync(tmp).filter((name) => !name.startsWith('tmux-'))
  assert.deepEqual(more, [], 'one folder is left')
  const forge = join(tmp, folder, 'forge')
  const branches: string[] = []
  for (const repo of ['kettle', 'handbook', 'toolbox']) {
    for (const name of filesIn(join(forge, 'reviews', repo))) {
      const [, branch = ''] = /^branch: "?(burn\/\w{13})"?$/m.exec(readFileSync(join(forge, 'reviews', repo, name), 'utf8')) ?? []
      execFileSync('git', ['-C', join(forge, `${repo}.git`), 'rev-parse', '--quiet', '--verify', `refs/heads/${branch}`], {
        stdio: 'ignore',
      })
      branches.push(branch)
    }
  }
  assert.equal(new Set(branches).size, 21, 'one review and branch per assigned issue, and for the sprint')
})

test('demo: runs commands unconfined without bubblewrap', async (t) => {
  const dir = scratch(t)
  assert.equal(await whyUnconfined(dir, { PATH: join(dir, 'nothing') }), 'bubblewrap is not installed')
  assert.deepEqual(readdirSync(dir), [])
})

test('demo: Ctrl-C ends the fleet', async (t) => {
  const { tmp, env } = place(t)
  await mkdir(join(tmp, 'home'))
  const { child, ended } = started([], { ...env, HOME: join(tmp, 'home') })
  await new Promise<void>((done) => {
    let out = ''
    child.stdout?.on('data', (chunk: string) => (out += chunk).includes('$ burn christen') && done())
    child.once('close', () => done())
  })
  assert.equal(socketsIn(tmp).length, 1, 'the fleet is up')
  child.kill('SIGINT')
  const { code, err } = await ended
  assert.equal(code, 130, err)
  assert.match(err, /^Stopped\. The files of the demo are in .*burn-demo-/)
  assert.deepEqual(socketsIn(tmp), [])
})
