/** `burn doctor`: its findings about machines, forges and tokens, each with its remedy. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Finding } from '../../src/doctor/findings.ts'
import type { Machine } from '../../src/core/nouns.ts'
import { agentFindings } from '../../src/doctor/agents.ts'
import { machineFindings } from '../../src/doctor/findings.ts'
import { repoFindings } from '../../src/doctor/repos.ts'
import { probeMachine } from '../../src/doctor/probe.ts'
import { complete, specOf } from '../spec/specs.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { burn, scratch, standIn, testFleet, until, type Ran } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'
import { endProcess, tmuxOn } from '../support/tmux.ts'

const branch = 'burn/0k30000000001'

function findingsOf(ran: Ran): Finding[] {
  const { findings } = ran.json<{ findings: (Finding & { readonly mend: string })[] }>()
  for (const { mend, remedy } of findings) assert.equal(mend, remedy)
  return findings
}

function find(findings: readonly Finding[], pattern: RegExp): Finding {
  const found = findings.filter(({ where, what }) => pattern.test(`${where}: ${what}`))
  assert.equal(found.length, 1, `${String(pattern)} in ${JSON.stringify(findings, null, 1)}`)
  return found[0] as Finding
}

/** Starts a fleet of one machine, with its issues on a stand-in Gitea. */
async function giteaFleet(t: TestContext, machine: object, token = 'stand-in-token') {
  const server = await startGitea({
    check: false,
    repos: [
      { name: 'acme/app', writers: ['burn'], readers: ['ray'], teams: [{ name: 'readers', permission: 'read' }] },
      { name: 'acme/locked', writers: [] },
    ],
  })
  t.after(() => server.close())
  const fleet = testFleet(t, (dir, socket) => {
    writeFileSync(join(dir, 'token'), token, { mode: 0o600 })
    const forge = { kind: 'gitea', url: server.url, owner: 'acme', token: { file: join(dir, 'token') } }
    const windows = [{ name: 'A', panes: 1, repos: ['app', 'locked', 'none'] }]
    return { name: 't', socket, forge, ledger: `sqlite:${dir}/l.db`, agent: standIn(dir), machines: { box: { ...machine, windows } } }
  })
  return { fleet, server }
}

test('doctor: prints remedies over ssh, and the rights to each repo', async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('no sshd on this machine')
  const { host, port, options } = sshd
  const { fleet, server } = await giteaFleet(t, { host, ssh: { port, options } })
  const ran = await fleet.burn('doctor', '--json')
  const findings = findingsOf(ran)
  assert.equal(ran.code, 1)
  assert.equal(find(findings, /^forge: the token belongs to burn/).level, 'ok')
  assert.equal(find(findings, /^forge: acme\/app: burn may read and write/).level, 'ok')
  assert.equal(find(findings, /^forge: burn counts members of these read-only teams as writers, .*: readers/).level, 'warn')
  assert.match(find(findings, /^forge: the token may not write to acme\/locked/).remedy, /write access to acme\/locked/)
  assert.equal(find(findings, /^forge: the repo acme\/none does not exist/).level, 'fail')
  assert.equal(find(findings, /^box: tmux \d/).level, 'ok')
  // The stand-in has no git server, so the remedy is to run git by hand on that machine.
  const git = find(findings, /^box: git can't read http\S*\/acme\/app\.git/)
  assert.match(git.remedy, new RegExp(`^ssh -t .*-p ${port} ${host} .*git ls-remote ${server.url}/acme/app\\.git`))
  assert.ok(!ran.out.includes('stand-in-token'))
})

test('doctor: prints the command that forgets a changed host key', async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('no sshd on this machine')
  const { host, port, options } = sshd
  const file = options['UserKnownHostsFile'] ?? ''
  const user = readFileSync(`${options['IdentityFile']}.pub`, 'utf8')
  const { fleet } = await giteaFleet(t, { host, ssh: { port, options } })
  writeFileSync(file, `[127.0.0.1]:${port} ${user}`)
  const changed = find(findingsOf(await fleet.burn('doctor', '--json')), /^box: unreachable: the machine's host key changed/)
  assert.match(changed.remedy, new RegExp(`^ssh-keygen -R '\\[127\\.0\\.0\\.1\\]:${port}' && ssh -t `))
  writeFileSync(file, '')
  assert.match(
    find(findingsOf(await fleet.burn('doctor', '--json')), /^box: unreachable: ssh does not know the machine's host key/).remedy,
    /^ssh -t /,
  )
})

test('doctor: reports a refused token once, and checks the machine', async (t) => {
  const { fleet } = await giteaFleet(t, {}, 'wrong-token')
  const ran = await fleet.burn('doctor', '--json')
  assert.equal(ran.code, 1)
  assert.match(find(findingsOf(ran), /^forge: /).remedy, /create a new token/)
  assert.equal(find(findingsOf(ran), /^box: tmux \d/).level, 'ok')
  assert.ok(!ran.out.includes('wrong-token'))
  const unknown = await fleet.burn('doctor', 'bx')
  assert.deepEqual([unknown.code, /did you mean box/.test(unknown.err)], [2, true])
})

test('doctor: counts memory only for agents that do not run yet', async (t) => {
  const windows = [{ name: 'A', panes: 2, repos: ['app'] }]
  const fleet = testFleet(t, (dir, socket) => {
    const forge = { kind: 'folder', path: dir }
    return {
      name: 't',
      session: 'T',
      socket,
      dir: join(dir, 'w'),
      forge,
      ledger: `sqlite:${dir}/l.db`,
      agent: standIn(dir),
      machines: { box: { windows } },
    }
  })
  const memory = async () => find(findingsOf(await fleet.burn('doctor', '--json')), /^box: .* of memory available/).what
  assert.match(await memory(), /; 2 agents need about 0\.4 GB$/)
  await fleet.burn('up')
  assert.match(await memory(), /; 2 agents need/)
  await fleet.burn('christen')
  const started = () => tmuxOn(fleet.socket, 'list-panes', '-s', '-t', '=T', '-F', '#{==:#{@burn_agent},#{pane_pid}}').trim() === '1\n1'
  await until('both agents run', started)
  tmuxOn(fleet.socket, 'rename-session', '-t', '=T', 'MINE')
  const renamed = findingsOf(await fleet.burn('doctor', '--json'))
  assert.match(find(renamed, /^box: .* of memory available/).what, /; 0 more agents need about 0\.0 GB$/)
  const sessions = find(
    renamed,
    /^box: some panes of the fleet are not in session T but in MINE\. burn uses these panes in their present sessions$/,
  )
  assert.deepEqual([sessions.level, sessions.remedy], ['warn', `tmux -L ${fleet.socket} rename-session -t '=MINE' T`])
  const [path = '', server = ''] = tmuxOn(fleet.socket, 'display-message', '-p', '#{socket_path}\n#{pid}').trim().split('\n')
  rmSync(path)
  t.after(() => endProcess(Number(server)))
  const lost = find(findingsOf(await fleet.burn('doctor', '--json')), /^box: .*no tmux server at .* but 2 agents still run/)
  assert.equal(lost.level, 'fail')
  assert.ok(lost.remedy.endsWith(`: kill -USR1 ${server}`), lost.remedy)
})

test('doctor: reports small panes, with a command that helps', async (t) => {
  const fleet = testFleet(t, (dir, socket) => {
    const windows = [{ name: 'A', names: ['ANN', 'BEN', 'CAL'], repos: ['app'], agent: { kind: 'shell', command: ['sh'] } }]
    const forge = { kind: 'folder', path: dir }
    return { name: 't', session: 'T', socket, dir: join(dir, 'w'), forge, ledger: `sqlite:${dir}/l.db`, machines: { box: { windows } } }
  })
  await fleet.burn('up')
  const small = async () =>
    findingsOf(await fleet.burn('doctor', '--json')).filter(({ what }) => / panes? .* smaller than 50 columns and 12 rows/.test(what))
  assert.deepEqual(await small(), [])
  tmuxOn(fleet.socket, 'resize-window', '-t', '=T:', '-x', '100', '-y', '30', ';', 'select-layout', '-t', '=T:', 'even-vertical')
  const [narrow] = await small()
  assert.equal(narrow?.level, 'warn')
  assert.match(narrow?.what ?? '', /^3 panes .*: box\/A\/ANN \(100×\d+\), /)
  execFileSync('sh', ['-c', narrow?.remedy ?? ''])
  assert.deepEqual(await small(), [])
})

test('doctor: reports a tmux socket whose path is too long', async (t) => {
  const { fleet } = await giteaFleet(t, {})
  const folder = join(fleet.dir, 'x'.repeat(100))
  mkdirSync(folder)
  const env = { BURN_SPEC: join(fleet.dir, 'fleet-spec.json'), HOME: fleet.dir, TMUX_TMPDIR: folder }
  const socket = find(findingsOf(await burn(['doctor', '--json'], env)), /^box: .*the path of its tmux socket is too long: /)
  assert.deepEqual([socket.level, /TMUX_TMPDIR/.test(socket.remedy), /"socket"/.test(socket.remedy)], ['fail', true, true])
  assert.match((await burn(['up'], env)).err, /the path of its tmux socket is too long: .*, \d+ bytes; .*TMUX_TMPDIR/s)
})

/** Returns a machine whose programs are scripts of the test: they come first in its PATH. */
function machineWith(t: TestContext, programs: Readonly<Record<string, string>>): Machine {
  const dir = scratch(t)
  for (const [name, script] of Object.entries(programs)) writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const exec = ['env', `PATH=${dir}:/usr/bin:/bin`, `HOME=${dir}`, 'SHELL=/bin/sh']
  const { fleet } = complete(
    specOf([], { machines: { box: { exec, cores: 4096, ram_gb: 36, windows: [{ name: 'A', panes: 3, repos: ['app'] }] } } }),
  )
  return fleet.machines[0] as Machine
}

/** Returns the home folder of a machine of `machineWith`. */
function homeOf({ transport }: Machine): string {
  const word = transport.kind === 'exec' ? transport.argv.find((each) => each.startsWith('HOME=')) : undefined
  return word?.slice('HOME='.length) ?? assert.fail('the machine has no home folder')
}

test('doctor: understands the answers of an old or empty machine', async (t) => {
  const machine = machineWith(t, {
    tmux: 'echo tmux 3.1c',
    git: '[ "$1" = --version ] || { printf "\\033[2Jfatal: could not read Username\\n" >&2; exit 128; }; echo git version 2',
    date: 'echo 1000',
    df: 'echo',
    uname: 'echo Darwin',
  })
  const probed = await probeMachine(machine, ['no-such-agent', 'sh'])
  assert.ok(probed.ok)
  const asked = { programs: ['no-such-agent', 'sh'], from: 1_200_000, to: 1_230_000 }
  const findings = machineFindings(
    machine,
    { ...probed.probe, memory: { total: 8_000_000 * 1024, free: 430_080 * 1024, limited: false } },
    asked,
  )
  assert.match(find(findings, /tmux 3\.1c is too old/).remedy, /brew install tmux/)
  assert.match(find(findings, /the clock of the machine is 200 s behind/).remedy, /sntp/)
  assert.match(find(findings, /does not find no-such-agent/).remedy, /command -v no-such-agent/)
  assert.equal(find(findings, /box: sh is installed/).level, 'ok')
  const repos = [{ repo: 'acme/app', url: 'https://forge.example.com/acme/app.git' }]
  const git = find(await repoFindings(machine, repos, branch), /git can't read .*: \[2Jfatal: could not read Username$/)
  assert.match(git.remedy, /^env 'PATH=.* sh -c .*credential\.helper store && git ls-remote/)
  assert.equal(find(findings, /free disk space is unknown/).level, 'warn')
  assert.match(find(findings, /the spec says 4096 cores, but the machine has \d+; 36 GB, but the machine has 7\.6 GB/).remedy, /"host"/)
  assert.match(find(findings, /0\.4 GB of memory available; 3 agents need about 0\.6 GB/).remedy, /enough for about 2 agents$/)
})

test('doctor: explains a private CA to git on a machine', async (t) => {
  const refusal = 'server certificate verification failed. CAfile: none'
  const machine = machineWith(t, { git: `[ "$1" = --version ] && { echo git version 2; exit; }; echo "${refusal}" >&2; exit 128` })
  const repos = [{ repo: 'acme/app', url: 'https://forge.example.com/acme/app.git' }]
  const git = find(await repoFindings(machine, repos, branch), /git can't read .*certificate/)
  assert.match(git.remedy, /~\/ca\.pem on box; then: .*git config --global http\.https:\/\/forge\.example\.com\/\.sslCAInfo/)
})

test('doctor: names unknown versions and settings of agents', async (t) => {
  const config = { display: { skin: 'mine', interface: 'tui' }, model: { api_key: 'sk-1' } }
  const versionOf = async (answer: string) => {
    const machine = machineWith(t, { hermes: `echo "${answer}"` })
    const home = homeOf(machine)
    mkdirSync(join(home, '.hermes'))
    // The login shell of some systems sets PATH anew.
    writeFileSync(join(home, '.profile'), 'PATH=$HOME:$PATH\n')
    writeFileSync(join(home, '.hermes/config.yaml'), JSON.stringify(config))
    return agentFindings(machine)
  }
  const newer = await versionOf('Hermes Agent v0.99.1 (2027.1.1)')
  assert.match(find(newer, /^box: hermes has version 0\.99\.1\. burn was tested with .* 0\.19 to 0\.22/).remedy, /burn status/)
  assert.equal(find(newer, /display\.skin in ~\/\.hermes\/config\.yaml is "mine"/).level, 'warn')
  assert.equal(find(newer, /display\.interface .* is "tui"/).level, 'warn')
  config.model.api_key = '${KEY}'
  assert.deepEqual(await versionOf('Hermes Agent v0.22.2.post1'), [], "a worker's own profile has other settings")
})

test('doctor: reports a clone URL or login shell that hangs', async (t) => {
  const slow = machineWith(t, { git: '[ "$1" = --version ] && { echo git version 2; exit; }; sleep 20' })
  const repos = [{ repo: 'acme/app', url: 'https://forge.example.com/acme/app.git' }]
  assert.match((await repoFindings(slow, repos, branch, 2000))[0]?.what ?? '', /git can't read .*: no answer within 2 s/)
  const profile = `echo lock >"$HOME/lock"; trap 'echo no lock >"$HOME/lock"; exit' TERM; sleep 20 & wait`
  const stuck = machineWith(t, { tmux: 'echo tmux 3.4', stuck: profile })
  assert.ok(stuck.transport.kind === 'exec')
  const transport = { ...stuck.transport, argv: stuck.transport.argv.map((word) => word.replace(/^SHELL=.*/, 'SHELL=stuck')) }
  const never = await probeMachine({ ...stuck, transport }, ['sh'], 2000)
  assert.ok(!never.ok)
  assert.match(never.reason, /the login shell did not exit/)
  await until('the profile removes its lock', () => readFileSync(join(homeOf(stuck), 'lock'), 'utf8') === 'no lock\n')
})

test('doctor: suggests the tmux that only the login shell finds', async (t) => {
  const machine = { ...machineWith(t, {}), tmux: 'tmux-of-nobody' }
  const probed = await probeMachine(machine, [])
  assert.ok(probed.ok)
  const probe = { ...probed.probe, login_tmux: '/opt/homebrew/bin/tmux' }
  const [tmux] = machineFindings(machine, probe, { programs: [], from: 0, to: 0 })
  assert.deepEqual(
    [tmux?.level, tmux?.remedy],
    ['fail', 'the login shell finds tmux: write "tmux": "/opt/homebrew/bin/tmux" for box in the spec'],
  )
})

test('doctor: prints a line per finding, with its remedy below', async (t) => {
  const home = scratch(t)
  const file = join(home, 'fleet-spec.json')
  const windows = [{ name: 'A', panes: 1, repos: ['gone'], agent: { kind: 'shell', command: ['sh'] } }]
  writeFileSync(
    file,
    JSON.stringify({ forge: { kind: 'folder', path: home }, ledger: `sqlite:${home}/l.db`, machines: { box: { windows } } }),
  )
  const { code, out } = await burn(['doctor', '--spec', file], { HOME: home })
  assert.equal(code, 1)
  assert.match(out, /✗ forge {2}the repo local\/gone does not exist.*\n {4}correct "repos"/)
  assert.match(out, /\n\d+ checks: \d+ ok, 0 warnings, \d+ failed\n$/)
})
