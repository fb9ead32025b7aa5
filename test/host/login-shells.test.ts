/** Tests machines whose login shell is not a POSIX shell, or prints before it runs a command, with the real shells and a real sshd. */
import assert from 'node:assert/strict'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { Machine } from '../../src/core/nouns.ts'
import { machineFindings } from '../../src/doctor/findings.ts'
import { probeMachine } from '../../src/doctor/probe.ts'
import { runProcess } from '../../src/host/exec.ts'
import { readHome } from '../../src/host/files.ts'
import { loginEnvironment, loginShellFunctions } from '../../src/host/login-shell.ts'
import { withProcessContext } from '../../src/host/process-context.ts'
import { loginShellWords } from '../../src/host/quote.ts'
import { runOn } from '../../src/host/run-on.ts'
import { argvOn } from '../../src/host/transport.ts'
import { openTmux } from '../../src/tmux/open.ts'
import { panesOf } from '../../src/tmux/pane-host.ts'
import { clock } from '../support/clock.ts'
import { burn, scratch, standIn, testFleet, until } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'
import { hostile, machineOn, quiet } from '../tmux/conformance.ts'

const limit = { timeout_ms: 20_000 }

/** Returns the path of an installed shell; null if there is none. */
function shellAt(name: string): string | null {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((dir) => join(dir, name))
  return found.find(isExecutable) ?? null
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Returns a home whose login shells print a greeting, and set PATH and KEY. Its folder `tools` has the agent. */
function homeOfPerson(t: TestContext): string {
  const home = scratch(t)
  const files = {
    '.bashrc': 'echo Welcome',
    '.profile': 'echo Welcome; export PATH="$HOME/tools:$PATH" KEY="two\nlines"',
    '.config/fish/config.fish': 'echo Welcome; echo Welcome >&2; set -gx PATH $HOME/tools $PATH; set -gx KEY two\\nlines',
    '.tcshrc': 'echo Welcome',
    '.login': 'echo Welcome; setenv PATH "${HOME}/tools:${PATH}"; setenv KEY "two\\\nlines"',
    '.config/nushell/login.nu': 'print Welcome; $env.PATH = ($env.PATH | prepend $"($env.HOME)/tools"); $env.KEY = "two\\nlines"',
    'tools/agent-of-test':
      '#!/bin/sh\nprintf "%s|" "$PWD" "$KEY" "$EXTRA" "$@" >"$HOME/seen.new"; mv "$HOME/seen.new" "$HOME/seen"; exec cat',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true })
    writeFileSync(join(home, name), `${text}\n`, { mode: 0o755 })
  }
  return home
}

for (const name of ['bash', 'zsh', 'fish', 'tcsh', 'nu']) {
  test(`loginShellWords: ${name} passes words on unchanged`, async (t) => {
    const shell = shellAt(name)
    if (shell === null) return t.skip(`there is no ${name} on this machine`)
    const env = { PATH: process.env['PATH'] ?? '', HOME: scratch(t) }
    const words = fc.array(fc.oneof(hostile, fc.constantFrom('\\', "\\'", 'a\\', '!', 'b!c', '%1', '{a,b}')), {
      minLength: 1,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(words, async (generated) => {
        const texts = generated.map((text) => text.replaceAll('\0', '').toWellFormed())
        const { stdout } = await runProcess([shell, '-c', loginShellWords(['printf', '%s\\0', ...texts])], { ...limit, env })
        assert.deepEqual(stdout.split('\0').slice(0, -1), texts)
      }),
      { numRuns: 6, examples: [[['!b', "\\'", 'a\\', '\n', '']]] },
    )
  })
}

for (const name of ['sh', 'fish', 'tcsh', 'nu']) {
  test(`ssh: works with the login shell ${name} and its greetings`, async (t) => {
    const shell = shellAt(name)
    if (shell === null) return t.skip(`there is no ${name} on this machine`)
    const home = homeOfPerson(t)
    const sshd = await startSshd(t, undefined, { shell, home, before: 'printf Welcome; echo Welcome >&2' })
    if (sshd === null) return t.skip('there is no sshd on this machine')
    const config = join(home, 'ssh_config')
    writeFileSync(config, 'Host *\n  RemoteCommand echo Welcome\n  RequestTTY force\n')
    const { options } = sshd
    const machine: Machine = machineOn(privateSocket(t), { transport: { kind: 'ssh', host: sshd.host, port: sshd.port, options } })

    const words = ["a\\'b", 'c\\', '!d', '\n', '']
    const ran = await runOn(machine, ['sh', '-c', 'printf "%s\\0" "$@"; echo problem >&2; exit 7', 'sh', ...words], limit)
    assert.deepEqual(ran, { code: 7, signal: null, stdout: words.map((word) => `${word}\0`).join(''), stderr: 'problem\n', stopped: null })
    const [ssh = '', ...rest] = argvOn(machine, ['echo', 'hello'])
    assert.match((await runProcess([ssh, '-F', config, ...rest], limit)).stdout, /hello\n$/)

    writeFileSync(join(home, 'notes'), 'text\n')
    const read = await readHome(machine, ['notes'])
    assert.deepEqual([read.home, read.files.get('notes')], [home, 'text\n'])
    const probed = await probeMachine(machine, ['agent-of-test', 'no-such-agent'])
    assert.ok(probed.ok, JSON.stringify(probed))
    assert.deepEqual([...probed.probe.found].toSorted(), ['agent-of-test', 'tmux'])

    const tmux = await openTmux(machine, { clock, create: quiet })
    t.after(() => tmux.close())
    assert.deepEqual((await tmux.run([[['display-message', '-p', "it's a\\b !c"]]]))[0]?.lines, ["it's a\\b !c"])
    await assert.rejects(openTmux({ ...machine, session: 'OTHER' }, { clock }), { code: 'tmux_no_session' })
    const ended = new Promise<Error>((resolve) => tmux.listen({ changed: () => {}, ended: resolve }))
    tmuxOn(machine.socket, 'kill-server')
    assert.match((await ended).message, /is unreachable: tmux (?:reported: server exited|ended the connection)$/)
  })
}

for (const name of ['bash', 'fish', 'tcsh', 'nu']) {
  test(`start: agents get the environment of the login shell ${name}`, async (t) => {
    const shell = shellAt(name)
    if (shell === null) return t.skip(`there is no ${name} on this machine`)
    const home = homeOfPerson(t)
    const env = { PATH: process.env['PATH'], HOME: home, SHELL: shell, TOKEN_OF_BURN: 'secret' }
    await withProcessContext({ env, cwd: home }, async () => {
      const machine = machineOn(privateSocket(t))
      const login = await loginEnvironment(machine)
      assert.equal(login['PATH']?.split(delimiter)[0], join(home, 'tools'))
      assert.deepEqual([login['SHELL'], login['HOME'], login['TOKEN_OF_BURN']], [shell, undefined, undefined])

      const tmux = await openTmux(machine, { clock, create: quiet })
      t.after(() => tmux.close())
      await tmux.run([[['set-option', '-g', 'default-shell', shell]]])
      const panes = panesOf(tmux, machine)
      const before = await panes.snapshot()
      assert.ok(before.state === 'up' && before.panes[0] !== undefined)
      const argv = ['agent-of-test', "it's\\ !x"]
      const launch = {
        id: '1m7y6ewdbs30w',
        pane: before.panes[0],
        argv,
        env: { EXTRA: 'more' },
        queues: false,
        without_hooks: null,
        dir: '~/work',
      }
      assert.deepEqual(await panes.start([launch]), [true])
      await until('the agent runs', () => existsSync(join(home, 'seen')))
      assert.equal(readFileSync(join(home, 'seen'), 'utf8'), `${home}/work|two\nlines|more|it's\\ !x|`)
      await until('burn knows when it started', async () => {
        const after = await panes.snapshot()
        return after.state === 'up' && (after.panes[0]?.started ?? null) !== null
      })
    })
  })
}

/** Returns a login shell that runs no command. */
function brokenShell(dir: string): string {
  writeFileSync(join(dir, 'brokensh'), '#!/bin/sh\necho its profile is wrong >&2; exit 3\n', { mode: 0o755 })
  return join(dir, 'brokensh')
}

test('christen: reports a login shell that does not work', async (t) => {
  const fleet = testFleet(t, (dir, socket) => ({
    name: 't',
    socket,
    dir: join(dir, 'w'),
    forge: { kind: 'folder', path: dir },
    ledger: `sqlite:${dir}/l.db`,
    agent: standIn(dir),
    machines: { box: { windows: [{ name: 'A', names: ['ANN'], panes: 1, repos: ['app'] }] } },
  }))
  await fleet.burn('up')
  const env = { BURN_SPEC: join(fleet.dir, 'fleet-spec.json'), HOME: join(fleet.dir, 'home'), SHELL: brokenShell(fleet.dir) }
  const { out, code } = await burn(['christen'], env)
  assert.match(
    out,
    /ANN.*the login shell of box \(.*\/brokensh\) does not run commands: its profile is wrong \(login_shell: Run burn doctor/,
  )
  assert.notEqual(code, 0)
  assert.match((await fleet.burn('christen')).out, /1 named/)
})

test('doctor: names a login shell that does not work', async (t) => {
  const home = scratch(t)
  const env = { PATH: process.env['PATH'], HOME: home, SHELL: brokenShell(home) }
  await withProcessContext({ env, cwd: home }, async () => {
    const machine = machineOn(privateSocket(t))
    await assert.rejects(loginEnvironment(machine), {
      code: 'login_shell',
      message: /\/brokensh\) does not run commands: its profile is wrong$/,
    })
    const probed = await probeMachine(machine, ['sh'])
    assert.ok(probed.ok)
    const findings = machineFindings(machine, probed.probe, { programs: ['sh'], from: 0, to: 0 })
    const [finding] = findings.filter(({ what }) => what.includes('login shell'))
    assert.deepEqual(
      [finding?.level, finding?.remedy],
      ['fail', `find the cause in the profile of the login shell; to see the error, run: echo env | ${home}/brokensh -l`],
    )
    assert.match(finding?.what ?? '', /^the login shell \(.*\/brokensh\) runs no commands/)
  })
})

test('login_shell: asks the user database if cron set SHELL', async (t) => {
  const home = scratch(t)
  const shellFor = async (shell: string, entry: string) => {
    writeFileSync(join(home, 'getent'), `#!/bin/sh\necho ${entry}\n`, { mode: 0o755 })
    const env = { PATH: `${home}:${process.env['PATH']}`, SHELL: shell }
    return (await runProcess(['sh', '-c', `${loginShellFunctions}\nlogin_shell`], { ...limit, env })).stdout.trim()
  }
  const entry = 'ann:x:1:1:Ann:/home/ann:/usr/bin/fish'
  assert.equal(await shellFor('/bin/sh', entry), '/usr/bin/fish')
  assert.equal(await shellFor('', entry), '/usr/bin/fish')
  assert.equal(await shellFor('/bin/zsh', entry), '/bin/zsh')
  assert.equal(await shellFor('', 'ann:x:1:1:Ann:/home/ann:/usr/sbin/nologin'), '/bin/sh')
})

test('ssh: reports a login shell that does not run the command', async (t) => {
  const sshd = await startSshd(t, undefined, { shell: '/bin/sh', home: scratch(t), before: 'echo Closed for today; exit 0' })
  if (sshd === null) return t.skip('there is no sshd on this machine')
  const { options } = sshd
  const machine = machineOn(privateSocket(t), { transport: { kind: 'ssh', host: sshd.host, port: sshd.port, options } })
  const told = /its login shell did not run burn's command; the output: Closed for today/
  await assert.rejects(openTmux(machine, { clock }), { code: 'machine_unreachable', message: told })
  await assert.rejects(readHome(machine, ['notes']), { code: 'machine_files', message: told })
})
