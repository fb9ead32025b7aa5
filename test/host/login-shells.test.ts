/** Tests machines whose login shell is not a POSIX shell, or prints before it runs a command, with the real shells and a real sshd. */
import assert from 'node:assert/strict'
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import type { Machine } from '../../src/core/nouns.ts'
import { probeMachine } from '../../src/doctor/probe.ts'
import { runProcess } from '../../src/host/exec.ts'
import { readHome } from '../../src/host/files.ts'
import { loginShellWords } from '../../src/host/quote.ts'
import { runOn } from '../../src/host/run-on.ts'
import { argvOn } from '../../src/host/transport.ts'
import { openTmux } from '../../src/tmux/open.ts'
import { clock } from '../support/clock.ts'
import { scratch } from '../support/fleet.ts'
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

/** Returns a home whose shells print a greeting, as a person's do. */
function noisyHome(t: TestContext): string {
  const home = scratch(t)
  const files = { '.bashrc': 'echo Welcome', '.config/fish/config.fish': 'echo Welcome; echo Welcome >&2', '.tcshrc': 'echo Welcome' }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true })
    writeFileSync(join(home, name), `${text}\n`)
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
      { numRuns: 15 },
    )
  })
}

for (const name of ['sh', 'fish', 'tcsh']) {
  test(`ssh: works with the login shell ${name} and its greetings`, { timeout: 60_000 }, async (t) => {
    const shell = shellAt(name)
    if (shell === null) return t.skip(`there is no ${name} on this machine`)
    const home = noisyHome(t)
    const sshd = await startSshd(t, undefined, { shell, home, before: 'printf Welcome; echo Welcome >&2' })
    if (sshd === null) return t.skip('there is no sshd on this machine')
    const config = join(home, 'ssh_config')
    writeFileSync(config, 'Host *\n  RemoteCommand echo Welcome\n  RequestTTY force\n')
    const options = { ...sshd.options, ControlPath: 'none' }
    const machine: Machine = machineOn(privateSocket(t), { transport: { kind: 'ssh', host: sshd.host, port: sshd.port, options } })

    const words = ["a\\'b", 'c\\', '!d', '\n', '']
    const ran = await runOn(machine, ['sh', '-c', 'printf "%s\\0" "$@"; echo problem >&2; exit 7', 'sh', ...words], limit)
    assert.deepEqual(ran, { code: 7, signal: null, stdout: words.map((word) => `${word}\0`).join(''), stderr: 'problem\n', stopped: null })
    const [ssh = '', ...rest] = argvOn(machine, ['echo', 'hello'])
    assert.match((await runProcess([ssh, '-F', config, ...rest], limit)).stdout, /hello\n$/)

    writeFileSync(join(home, 'notes'), 'text\n')
    const read = await readHome(machine, ['notes'])
    assert.deepEqual([read.home, read.files.get('notes')], [home, 'text\n'])
    const probed = await probeMachine(machine, null, ['sh', 'no-such-agent'])
    assert.ok(probed.ok, JSON.stringify(probed))
    assert.match(probed.probe.tmux ?? '', /^tmux \d/)

    const tmux = await openTmux(machine, { clock, create: quiet })
    t.after(() => tmux.close())
    assert.deepEqual((await tmux.run([[['display-message', '-p', "it's a\\b !c"]]]))[0]?.lines, ["it's a\\b !c"])
    await assert.rejects(openTmux({ ...machine, session: 'OTHER' }, { clock }), { code: 'tmux_no_session' })
    const ended = new Promise<Error>((resolve) => tmux.listen({ changed: () => {}, ended: resolve }))
    tmuxOn(machine.socket, 'kill-server')
    assert.match((await ended).message, /is unreachable: its tmux (?:reported: server exited|ended the connection)$/)
  })
}

test('ssh: reports a login shell that does not run the command', { timeout: 60_000 }, async (t) => {
  const sshd = await startSshd(t, undefined, { shell: '/bin/sh', home: scratch(t), before: 'echo Closed for today; exit 0' })
  if (sshd === null) return t.skip('there is no sshd on this machine')
  const options = { ...sshd.options, ControlPath: 'none' }
  const machine = machineOn(privateSocket(t), { transport: { kind: 'ssh', host: sshd.host, port: sshd.port, options } })
  const told = /its login shell did not run the command of burn; it printed: Closed for today/
  await assert.rejects(openTmux(machine, { clock }), { code: 'machine_unreachable', message: told })
  await assert.rejects(readHome(machine, ['notes']), { code: 'machine_files', message: told })
})
