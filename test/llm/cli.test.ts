/** Agents' command lines: real processes that print what the real ones print. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { BackendConfig, FailureClass } from '../../src/core/sprint.ts'
import type { BackendDeps } from '../../src/llm/deps.ts'
import { openBackend } from '../../src/llm/open.ts'
import { layAgents } from '../stand-ins/model/agents.ts'
import { deps, folder, never, task } from './rig.ts'

type Cli = Extract<BackendConfig, { kind: 'cli' }>
const agents = ['hermes', 'claude', 'codex', 'opencode', 'custom'] as const

interface Called {
  readonly args: readonly string[]
  readonly prompt: string
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly pids?: readonly number[]
}

/** A backend over the stand-ins, and how they were called. */
function stage(t: TestContext, agent: Cli['agent'], more: Partial<Cli> = {}, using: Partial<BackendDeps> = {}) {
  const bin = folder(t)
  layAgents(bin)
  const log = join(bin, 'log')
  const env = { STAND_IN_LOG: log, ...more.env }
  const config: Cli = { kind: 'cli', agent, command: agent === 'custom' ? ['handyman'] : [], model: null, ...more, env }
  const world = deps(t, {}, { PATH: `${bin}:${process.env['PATH']}`, GITEA_TOKEN: 'forge-token', XDG_CACHE_HOME: '/tmp/c', LC_ALL: 'C' })
  const called = () =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Called)
  return { backend: openBackend(config, { ...world, ...using }), called, log, bin }
}

const issue = 'In greet it says "Helo", and it should be "Hello". Please.'

const expected: Readonly<Record<(typeof agents)[number], { calls: number; usage: object; resume: readonly string[] }>> = {
  hermes: { calls: 0, usage: { turns: 1, tokens_in: 0, tokens_out: 0, cost: null }, resume: ['--resume'] },
  claude: { calls: 0, usage: { turns: 3, tokens_in: 100, tokens_out: 5, cost: 0.25 }, resume: ['--resume'] },
  codex: { calls: 2, usage: { turns: 3, tokens_in: 100, tokens_out: 5, cost: null }, resume: ['resume'] },
  opencode: { calls: 2, usage: { turns: 1, tokens_in: 100, tokens_out: 5, cost: 0.25 }, resume: ['--session'] },
  custom: { calls: 0, usage: { turns: 1, tokens_in: 0, tokens_out: 0, cost: null }, resume: [] },
}

for (const agent of agents) {
  test(`${agent} does an issue in the workspace, and goes on with it when it is told more`, async (t) => {
    const { backend, called } = stage(t, agent, { model: agent === 'custom' ? null : 'some/model' })
    assert.equal(await backend.probe(), null)
    const dir = folder(t)
    writeFileSync(join(dir, 'greet'), 'echo "Helo"\n')
    const work = task(dir)
    const talk = backend.begin(work)
    const answer = await talk.say(issue, never)
    assert.deepEqual([answer.failure, answer.text], [null, 'Correct "Helo" in greet: done.'])
    assert.equal(readFileSync(join(dir, 'greet'), 'utf8'), 'echo "Hello"\n')
    assert.deepEqual(answer.usage, expected[agent].usage)
    assert.equal(work.texts('call').length, expected[agent].calls)
    assert.deepEqual(work.texts('said'), [issue, answer.text])
    const second = await talk.say(`The check is red. ${issue}`, never)
    if (agent !== 'custom') assert.equal(second.text, 'I see nothing more to do.')
    assert.deepEqual([second.usage.tokens_in, second.usage.tokens_out], [2 * answer.usage.tokens_in, 2 * answer.usage.tokens_out])
    await talk.close()
    const [first, again] = called()
    assert.ok(first && again)
    assert.equal(first.prompt, issue)
    assert.ok(!JSON.stringify(first.args).includes('Helo'), 'the prompt is in no argv')
    assert.equal(first.cwd, dir)
    if (agent !== 'custom') assert.ok(first.args.includes('some/model'))
    for (const flag of expected[agent].resume) assert.deepEqual([first.args.includes(flag), again.args.includes(flag)], [false, true])
    const names = Object.keys(first.env).filter((name) => !/^(?:PWD|OLDPWD|SHLVL|_|NODE_.*|__CF.*)$/.test(name))
    assert.deepEqual(
      names.filter((name) => !/^(?:HOME|PATH|LC_ALL|XDG_CACHE_HOME|STAND_IN_LOG)$/.test(name)),
      agent === 'claude' ? ['CLAUDE_CODE_DISABLE_ATTACHMENTS'] : [],
      'claude reads no file that an issue names as @path',
    )
    assert.equal(first.env['XDG_CACHE_HOME'], '/tmp/c')
  })
}

const troubles: readonly (readonly [(typeof agents)[number], string, FailureClass, RegExp])[] = [
  ...(['hermes', 'claude', 'codex', 'opencode'] as const).flatMap((agent) => [
    [agent, 'auth', 'auth', /401/] as const,
    [agent, 'limit', 'rate_limited', /429/] as const,
  ]),
  ['hermes', 'empty', 'backend_failed', /empty response/],
  ['claude', 'empty', 'empty_answer', /answered nothing/],
  ['codex', 'empty', 'empty_answer', /answered nothing/],
  ['opencode', 'empty', 'empty_answer', /answered nothing/],
  ['claude', 'turns', 'budget', /error_max_turns/],
  ['claude', 'noise', 'backend_failed', /printed no result: .*Welcome/],
  ['codex', 'noise', 'empty_answer', /answered nothing/],
  ['claude', 'crash', 'backend_failed', /signal|code 137/],
  ['custom', 'code', 'backend_failed', /exit code 3: Correct/],
  ['custom', 'crash', 'backend_failed', /signal|code 137/],
]
for (const [agent, trouble, failed, reason] of troubles) {
  test(`${agent}, ${trouble}: ${failed}`, async (t) => {
    const dir = folder(t)
    writeFileSync(join(dir, 'greet'), 'echo "Helo"\n')
    const { backend } = stage(t, agent, { env: { STAND_IN_TROUBLE: trouble } })
    const { failure } = await backend.begin(task(dir)).say(issue, never)
    assert.equal(failure?.class, failed, failure?.reason)
    assert.match(failure?.reason ?? '', reason)
  })
}

test('a program that is not there is down, by probe and by use', async (t) => {
  for (const command of [['no-such-program'], ['/no/such/program'], ['.']]) {
    const { backend } = stage(t, 'custom', { command })
    assert.equal((await backend.probe())?.class, 'backend_down')
    assert.equal((await backend.begin(task(folder(t))).say(issue, never)).failure?.class, 'backend_down')
  }
  const { backend } = stage(t, 'custom', { command: [] })
  assert.equal((await backend.probe())?.class, 'backend_down')
})

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A killed child that nobody has waited for yet is still there, as a zombie.
  return !existsSync('/proc/self/status') || !/^State:\s+[ZX]/m.test(statusOf(pid))
}

/** A kill takes a moment; what was not killed stays for ever. */
async function gone(pid: number): Promise<void> {
  for (let looks = 0; looks < 20_000 && alive(pid); looks++) await turn()
  assert.ok(!alive(pid), `process ${pid} is still there`)
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State:\tX'
  }
}

for (const why of ['stopped', 'budget'] as const) {
  test(`${why}: the agent ends, with all that it started`, async (t) => {
    const { backend, called, log, bin } = stage(t, 'claude', { env: { STAND_IN_TROUBLE: 'hang' } })
    const stop = new AbortController()
    const hung = new Promise<void>((resolve) => {
      const look = () => existsSync(log) && readFileSync(log, 'utf8').includes('pids') && resolve()
      const watcher = watch(bin, look)
      t.after(() => watcher.close())
    })
    const budget = why === 'budget' ? { time: 300 } : {}
    const answer = backend.begin(task(folder(t), { budget })).say(issue, stop.signal)
    if (why === 'stopped') {
      await hung
      stop.abort()
    }
    assert.equal((await answer).failure?.class, why)
    // It may have had no time to start anything.
    if (why === 'budget') return
    const pids = called().at(-1)?.pids ?? []
    assert.equal(pids.length, 2)
    for (const pid of pids) await gone(pid)
  })
}

test('what an agent leaves running ends with it', async (t) => {
  const { backend, called } = stage(t, 'custom', { env: { STAND_IN_TROUBLE: 'leftover' } })
  assert.equal((await backend.begin(task(folder(t))).say(issue, never)).failure, null)
  const [pid] = called().at(-1)?.pids ?? []
  assert.ok(pid !== undefined)
  await gone(pid)
})

test('a sandbox is put around the whole command, and a prompt of any size goes through', async (t) => {
  const wrapped: (readonly string[])[] = []
  const wrap = (argv: readonly string[], dir: string) => (wrapped.push([dir, ...argv]), ['env', 'WRAPPED=yes', ...argv])
  const { backend, called } = stage(t, 'claude', {}, { wrap })
  const dir = folder(t)
  writeFileSync(join(dir, 'greet'), 'echo "Helo"\n')
  const long = `${'x'.repeat(400_000)}\n${issue}`
  assert.equal((await backend.begin(task(dir)).say(long, never)).failure, null)
  assert.deepEqual(wrapped[0]?.slice(0, 3), [dir, 'claude', '-p'])
  assert.deepEqual([called()[0]?.env['WRAPPED'], called()[0]?.prompt.length], ['yes', long.length])
})
