/** `burn init`: what it finds, what it writes and what it refuses. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { burn, command, scratch, until } from '../support/fleet.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

/** An empty home, and a PATH with a program of the agent Hermes. */
function emptyHome(t: TestContext) {
  const dir = scratch(t)
  for (const name of ['home', 'bin', 'work']) mkdirSync(join(dir, name))
  writeFileSync(join(dir, 'bin/hermes'), '#!/bin/sh\n')
  chmodSync(join(dir, 'bin/hermes'), 0o755)
  const env = { HOME: join(dir, 'home'), PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}` }
  const work = join(dir, 'work')
  return { dir, env, work, init: (...words: string[]) => burn(['init', work, ...words], env) }
}

/** Makes a git repository with a remote. */
function clone(dir: string, url: string): void {
  mkdirSync(dir)
  execFileSync('git', ['-C', dir, 'init', '-q'])
  execFileSync('git', ['-C', dir, 'remote', 'add', 'origin', url])
}

interface Report {
  readonly written: readonly string[]
  readonly spec: string
  readonly remarks: readonly string[]
}

test('init: a dry run writes nothing; a spec is never replaced', async (t) => {
  const { work, init } = emptyHome(t)
  const dry = await init('--folder', '--dry-run')
  assert.deepEqual([dry.code, readdirSync(work)], [0, []], dry.err)
  writeFileSync(join(work, 'fleet-spec.json'), '{}')
  const { code, err } = await init('--folder', '--yes')
  assert.deepEqual([code, readFileSync(join(work, 'fleet-spec.json'), 'utf8')], [2, '{}'])
  assert.match(err, /exists already \(init_exists\)/)
})

test('init: writes nothing if one of its files exists', async (t) => {
  const { work, init } = emptyHome(t)
  mkdirSync(join(work, 'forge'))
  writeFileSync(join(work, 'forge/mine'), 'mine')
  const { code, err } = await init('--folder', '--yes')
  assert.deepEqual([code, readdirSync(work), readdirSync(join(work, 'forge'))], [2, ['forge'], ['mine']], err)
  const unwritable = await burn(['init', join(work, 'forge/mine/below'), '--folder', '--yes'], emptyHome(t).env)
  assert.match(unwritable.err, /init_unwritable|init_exists/)
})

test('init: finds the forge, the repos, their checks and a token', async (t) => {
  const { dir, env, work, init } = emptyHome(t)
  clone(join(work, 'app'), 'git@127.0.0.1:me/app.git')
  writeFileSync(join(work, 'app/Makefile'), 'test:\n\ttrue\n')
  clone(join(work, 'docs'), 'http://127.0.0.1:9/me/docs.git')
  // Without an end, so burn must not read it.
  symlinkSync('/dev/zero', join(work, 'docs/package.json'))
  writeFileSync(join(work, 'docs/go.mod'), 'module docs\n')
  mkdirSync(join(dir, 'home/.config/tea'), { recursive: true })
  const secret = 'a-secret-token'
  writeFileSync(join(dir, 'home/.config/tea/config.yml'), `logins:\n- name: mine\n  url: http://127.0.0.1:9\n  token: ${secret}\n`)
  const given = await burn(['init', work, '--dry-run', '--json'], { ...env, GITEA_TOKEN: secret })
  const { spec, remarks } = given.json<Report>()
  assert.match(spec, /"url": "http:\/\/127\.0\.0\.1:9", "owner": "me", "token": \{ "env": "GITEA_TOKEN" \}/)
  assert.match(spec, /"app": \{ "check": "make test", "clone_url": "ssh:\/\/git@127\.0\.0\.1\/me\/app\.git" \}/)
  assert.match(spec, /"docs": \{ "check": "go test \.\/\.\.\." \}/)
  assert.match(remarks.join('\n'), /does not answer/)
  const copied = await init('--yes', '--json')
  assert.deepEqual([copied.code, copied.json<Report>().written.length], [0, 2])
  const file = join(dir, 'home/.config/burn-fleet/token')
  assert.deepEqual([readFileSync(file, 'utf8'), statSync(file).mode & 0o777], [`${secret}\n`, 0o600])
  for (const text of [given.out, given.err, copied.out, copied.err, readFileSync(join(work, 'fleet-spec.json'), 'utf8')])
    assert.ok(!text.includes(secret))
})

test('init: says what is missing, with exit code 2', async (t) => {
  const { dir, env, work, init } = emptyHome(t)
  const faults = async (run: Promise<{ code: number; err: string }>) => {
    const { code, err } = await run
    assert.equal(code, 2, err)
    return err
  }
  assert.match(await faults(init()), /no terminal to answer/)
  assert.match(await faults(init('--yes')), /found no git remote/)
  clone(join(work, 'app'), 'https://github.com/me/app')
  assert.match(await faults(init('--yes')), /at GitHub, which burn cannot use/)
  assert.match(await faults(init('--yes', '--owner', 'a b')), /--owner must be/)
  mkdirSync(join(dir, 'empty'))
  const bare = { ...env, PATH: join(dir, 'empty') }
  assert.match(await faults(burn(['init', work, '--yes', '--agent', 'claude'], bare)), /git is not installed/)
  assert.match(await faults(burn(['init', work, '--yes', '--folder', '--agent', 'claude'], bare)), /git is not installed/)
  assert.deepEqual(readdirSync(work), ['app'])
})

test('init: asks on a terminal, also before it replaces a spec', async (t) => {
  const { env, work } = emptyHome(t)
  writeFileSync(join(work, 'fleet-spec.json'), '{}')
  const socket = privateSocket(t)
  const tmux = (...words: string[]) => tmuxOn(socket, ...words)
  const start = `cd ${work} && env HOME=${env.HOME} PATH=${env.PATH} TERM=screen LC_ALL=C.UTF-8 ${process.execPath} ${command} init; echo code $?; cat`
  const screen = () => tmux('capture-pane', '-p', '-t', 't')
  const press = async (pattern: RegExp, ...keys: string[]) => {
    await until(String(pattern), () => pattern.test(screen()))
    tmux('send-keys', '-t', 't', ...keys)
  }
  tmux('new-session', '-d', '-x', '80', '-y', '24', '-s', 't', start)
  await press(/Replace .*\?/, 'y')
  for (const pattern of [/Where are the issues\?/, /Agent program in the panes/, /How many panes/]) await press(pattern, 'Enter')
  await press(/Name of the fleet/, '2', 'Enter')
  await press(/Write .*\?/, 'Enter')
  await until('the end', () => /burn start .*\s+code 0/.test(screen()))
  assert.match(readFileSync(join(work, 'fleet-spec.json'), 'utf8'), /"name": "work2"/)
  assert.ok(existsSync(join(work, 'forge/hello.git')))
})
