/** `burn completion`: the candidates, and real shells with hostile names. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { complete } from '../../src/cli/complete.ts'
import { completionScripts } from '../../src/cli/completion-scripts.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { looseSpec } from '../../src/spec/written-names.ts'
import { burn, command, compiled, scratch, until } from '../support/fleet.ts'
import { issueOf } from '../ledger/fixtures.ts'
import { newLedger } from '../support/ledger.ts'
import { privateSocket, tmuxOn } from '../support/tmux.ts'

/** A name that a shell would change, or run, without quotes. */
const hostile = `ho $(touch pwned) \`touch pwned\` "q' \\x;touch pwned&*`

/** Creates a home with a commented spec and a ledger. */
async function homeOf(t: TestContext) {
  const dir = scratch(t)
  mkdirSync(join(dir, 'home'))
  const window = { name: 'CRUCIBLE', lane: 'bugs', panes: 4, names: ['ANN', hostile, '--help', 'line\nbreak'], repos: ['app'] }
  const machines = {
    mac: { windows: [window] },
    vps: { windows: [{ name: 'LOOM', names: ['BOB'], workers: { ANN: { repo: 'me/lib' } } }] },
  }
  const spec = {
    forge: { owner: 'me' },
    ledger: `sqlite:${dir}/l.db`,
    notify: { channels: { phone: {} } },
    accounts: { max: {} },
    machines,
  }
  const text = JSON.stringify(spec, null, 2).replace('{', '{ // the fleet\n /* "machines": */').replace(/}$/, ', }')
  writeFileSync(join(dir, 'fleet-spec.json'), text)
  await newLedger(join(dir, 'l.db'))
  const ledger = await openLedger(`sqlite:${dir}/l.db`, { random: Math.random })
  const issues = [issueOf(7, { ref: 'me/app#7', repo: 'me/app' }), issueOf(8, { ref: 'me/app#8', repo: 'me/app', state: 'closed' })]
  await ledger.saveIssues([{ repo: 'me/app', issues, cursor: 'c', complete: false }], 20)
  await ledger.recordWorkers(
    [
      { id: 'mac/CRUCIBLE/DRAWN', drawn: true },
      { id: 'gone/W/X', drawn: true },
    ],
    20,
  )
  await ledger.close()
  const deps = { env: { BURN_SPEC: join(dir, 'fleet-spec.json') }, home: join(dir, 'home'), cwd: dir }
  const words = async (...line: string[]) => (await complete(['--', ...line], deps)).map((each) => each.split('\t')[0] ?? '')
  return { dir, deps, words }
}

test('completion: offers commands, options and live names by place', async (t) => {
  const { words, dir } = await homeOf(t)
  const has = async (line: readonly string[], some: readonly string[], none: readonly string[] = []) => {
    const found = await words(...line)
    for (const each of some) assert.ok(found.includes(each), `${line.join(' ')}: ${each} in ${found.join(', ')}`)
    for (const each of none) assert.ok(!found.includes(each), `${line.join(' ')}: ${each} in ${found.join(', ')}`)
  }
  await has([''], ['status', 'ledger', 'help'], ['ledger check'])
  await has(['ledger', ''], ['check', '--state'])
  await has(['help', 'ledger', ''], ['check'], ['--state'])
  await has(['hold', ''], ['BOB', hostile, 'mac', 'mac/CRUCIBLE', 'bugs', 'loom', 'max', 'app', 'all'], ['ANN', '--help', 'line\nbreak'])
  await has(['hold', ''], ['mac/CRUCIBLE/ANN', 'vps/LOOM/ANN', 'DRAWN'], ['X', 'phone'])
  await has(['hold', 'BOB', '-'], ['--until', '--spec', '--help'])
  await has(['hold', 'BOB', '--drain', '--'], ['--until'], ['--drain'])
  await has(['hold', '--reason', ''], [], ['BOB', '--until'])
  await has(['status', '-m', 'mac', ''], ['vps'], ['BOB'])
  await has(['sprint', 'run', '--lane='], ['--lane=bugs'])
  await has(['sprint', 'run', '--repo', ''], ['app', 'me/lib'])
  await has(['completion', ''], ['bash', 'zsh', 'fish'])
  await has(['release', ''], ['app#7', 'app#8'], ['me/app#7'])
  await has(['release', 'me/'], ['me/app#7'], ['app#7'])
  await has(['notify', 'test', ''], ['phone'])
  assert.deepEqual(await words('model', 'import', ''), [':files'])
  assert.deepEqual(await words('nosuch', ''), [])
  assert.deepEqual(readdirSync(dir).toSorted(), ['fleet-spec.json', 'home', 'l.db'], 'completion made no file')
})

test('completion: a missing or broken spec or ledger offers fewer names', async (t) => {
  const { words, dir } = await homeOf(t)
  writeFileSync(join(dir, 'l.db'), 'this is no database')
  assert.deepEqual(await words('issue', 'release', ''), [])
  writeFileSync(
    join(dir, 'fleet-spec.json'),
    '{"ledger": "sqlite:/nowhere/l.db", "machines": {"a": {"windows": [null, {"name": 7}, {"names": 1}]}}}',
  )
  assert.deepEqual(await words('up', ''), ['a'])
  for (const text of ['', '[1', '{"name": 3, "ledger": {}, "machines": []}', '{"ledger": "postgres://x"}']) {
    writeFileSync(join(dir, 'fleet-spec.json'), text)
    assert.deepEqual(await words('up', ''), [], text)
  }
  assert.deepEqual(looseSpec('{"a": "// no, }", /* , */ "b": [1, /* ] */ 2, ], // x\n}'), { a: '// no, }', b: [1, 2] })
  assert.deepEqual(await words('up', '--spec', '/nowhere', ''), [])
  assert.ok(!existsSync('/nowhere'))
})

/** The command that starts each shell with the completion, and the keys that type the first argument. */
const shells = {
  bash: { start: ['bash', '--norc', '--noprofile', '-i'], load: (file: string) => `source ${file}` },
  zsh: { start: ['zsh', '-f', '-i'], load: (file: string) => `autoload -Uz compinit; compinit -u -D; source ${file}` },
  fish: { start: ['fish', '--no-config', '-i'], load: (file: string) => `source ${file}` },
} as const

const installed = (shell: string) => (process.env['PATH'] ?? '').split(':').some((dir) => existsSync(join(dir, shell)))

for (const [shell, { start, load }] of Object.entries(shells))
  test(
    `completion: Tab in ${shell} inserts a hostile name unchanged`,
    { skip: installed(shell) ? false : `${shell} is not installed` },
    async (t) => {
      const { dir, deps } = await homeOf(t)
      const script = join(dir, 'completion')
      writeFileSync(script, completionScripts[shell as keyof typeof shells])
      // The stand-in completes with the real command, and records the arguments of any other call.
      writeFileSync(
        join(dir, 'burn'),
        `#!/bin/sh\n[ "$1" = __complete ] && exec '${process.execPath}' '${command}' "$@"\nprintf '%s\\n' "$@" >'${dir}/new' && mv '${dir}/new' '${dir}/args'\n`,
      )
      chmodSync(join(dir, 'burn'), 0o755)
      const socket = privateSocket(t)
      const env = {
        ...deps.env,
        HOME: deps.home,
        PATH: `${dir}:${process.env['PATH'] ?? ''}`,
        NODE_COMPILE_CACHE: compiled,
        TERM: 'screen',
        LC_ALL: 'C.UTF-8',
      }
      const words = ['env', '-i', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...start]
      execFileSync('tmux', ['-L', socket, '-f', '/dev/null', 'new-session', '-d', '-x', '200', '-y', '50', '-c', dir, ...words])
      const type = (...keys: string[]) => tmuxOn(socket, 'send-keys', ...keys)
      const args = async () => {
        await until(`${shell} runs burn`, () => existsSync(join(dir, 'args')))
        const text = readFileSync(join(dir, 'args'), 'utf8')
        execFileSync('rm', [join(dir, 'args')])
        return text.split('\n').slice(0, -1)
      }
      type('-l', `${load(script)}; burn ready`)
      type('Enter')
      assert.deepEqual(await args(), ['ready'])
      type('-l', 'burn hold ho')
      type('Tab')
      type('Enter')
      assert.deepEqual(await args(), ['hold', hostile])
      type('-l', 'burn sprint run --lane=bu')
      type('Tab')
      type('Enter')
      assert.deepEqual(await args(), ['sprint', 'run', '--lane=bugs'])
      assert.ok(!existsSync(join(dir, 'pwned')))
    },
  )

test('completion: prints the script, and refuses another shell', async () => {
  assert.equal((await burn(['completion', 'fish'], {})).out, completionScripts.fish)
  const { code, err } = await burn(['completion', 'tcsh'], {})
  assert.equal(code, 2)
  assert.match(err, /"tcsh" is not one of bash, zsh, fish/)
})
