/** The backend `cli`, with stand-in programs that print the output of the real agents. */
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

/** Returns a backend that runs the stand-ins, and a log of their calls. */
function setup(t: TestContext, agent: Cli['agent'], more: Partial<Cli> = {}, overrides: Partial<BackendDeps> = {}) {
  const bin = folder(t)
  layAgents(bin)
  const logFile = join(bin, 'log')
  const env = { STAND_IN_LOG: logFile, ...more.env }
  const config: Cli = { kind: 'cli', agent, command: agent === 'custom' ? ['handyman'] : [], model: null, ...more, env }
  const testDeps = deps(
    t,
    {},
    { PATH: `${bin}:${process.env['PATH']}`, GITEA_TOKEN: 'forge-token', XDG_CACHE_HOME: '/tmp/c', LC_ALL: 'C', HTTPS_PROXY: 'p' },
  )
  const calls = () =>
    readFileSync(logFile, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Called)
  return { backend: openBackend(config, { ...testDeps, ...overrides }), calls, logFile, bin }
}

const issue = 'In greet it says "Helo", and it should be "Hello". Please.'

const expectedResults: Readonly<Record<(typeof agents)[number], { calls: number; usage: object; resume: readonly string[] }>> = {
  hermes: { calls: 0, usage: { turns: 1, tokens_in: 0, tokens_out: 0, cost: null }, resume: ['--resume'] },
  claude: { calls: 0, usage: { turns: 3, tokens_in: 100, tokens_out: 5, cost: 0.25 }, resume: ['--resume'] },
  codex: { calls: 2, usage: { turns: 3, tokens_in: 100, tokens_out: 5, cost: null }, resume: ['resume'] },
  opencode: { calls: 2, usage: { turns: 1, tokens_in: 100, tokens_out: 5, cost: 0.25 }, resume: ['--session'] },
  custom: { calls: 0, usage: { turns: 1, tokens_in: 0, tokens_out: 0, cost: null }, resume: [] },
}

for (const agent of agents) {
  test(`cli: ${agent} does an issue and continues its session`, async (t) => {
    const { backend, calls } = setup(t, agent, { model: agent === 'custom' ? null : 'some/model' })
    assert.equal(await backend.probe(), null)
    const dir = folder(t)
    writeFileSync(join(dir, 'greet'), 'echo "Helo"\n')
    const work = task(dir)
    const conversation = backend.begin(work)
    const answer = await conversation.say(issue, never)
    assert.deepEqual([answer.failure, answer.text], [null, 'Correct "Helo" in greet: done.'])
    assert.equal(readFileSync(join(dir, 'greet'), 'utf8'), 'echo "Hello"\n')
    assert.deepEqual(answer.usage, expectedResults[agent].usage)
    assert.equal(work.texts('call').length, expectedResults[agent].calls)
    assert.deepEqual(work.texts('said'), [issue, answer.text])
    const second = await conversation.say(`The check is red. ${issue}`, never)
    if (agent !== 'custom') assert.equal(second.text, 'I see nothing more to do.')
    assert.deepEqual([second.usage.tokens_in, second.usage.tokens_out], [2 * answer.usage.tokens_in, 2 * answer.usage.tokens_out])
    await conversation.close()
    const [first, again] = calls()
    assert.ok(first && again)
    assert.equal(first.prompt, issue)
    assert.ok(!JSON.stringify(first.args).includes('Helo'), 'no argv contains the prompt')
    assert.equal(first.cwd, dir)
    if (agent !== 'custom') assert.ok(first.args.includes('some/model'))
    for (const flag of expectedResults[agent].resume)
      assert.deepEqual([first.args.includes(flag), again.args.includes(flag)], [false, true])
    const names = Object.keys(first.env).filter((name) => !/^(?:PWD|OLDPWD|SHLVL|_|NODE_.*|__CF.*)$/.test(name))
    assert.deepEqual(
      names.filter((name) => !/^(?:HOME|PATH|LC_ALL|XDG_CACHE_HOME|HTTPS_PROXY|STAND_IN_LOG)$/.test(name)),
      agent === 'claude' ? ['CLAUDE_CODE_DISABLE_ATTACHMENTS'] : [],
      'claude must not read files that an issue names as @path',
    )
    assert.deepEqual([first.env['XDG_CACHE_HOME'], first.env['HTTPS_PROXY']], ['/tmp/c', 'p'])
  })
}

const failures: readonly (readonly [(typeof agents)[number], string, FailureClass, RegExp])[] = [
  ...(['hermes', 'claude', 'codex', 'opencode'] as const).flatMap((agent) => [
    [agent, 'auth', 'auth', /401/] as const,
    [agent, 'limit', 'rate_limited', /429/] as const,
  ]),
  ['hermes', '401', 'auth', /: HTTP 401: This key is wrong\./],
  ['hermes', '402', 'auth', /HTTP 402: Add money/],
  ['hermes', '404', 'model_unknown', /: HTTP 404: There is no x\./],
  ['hermes', '429', 'rate_limited', /: HTTP 429: Too fast\./],
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
for (const [agent, trouble, failed, reason] of failures) {
  test(`cli: ${agent} with ${trouble} fails as ${failed}`, async (t) => {
    const dir = folder(t)
    writeFileSync(join(dir, 'greet'), 'echo "Helo"\n')
    const { backend } = setup(t, agent, { env: { STAND_IN_TROUBLE: trouble } })
    const { failure } = await backend.begin(task(dir)).say(issue, never)
    assert.equal(failure?.class, failed, failure?.reason)
    assert.match(failure?.reason ?? '', reason)
  })
}

test('cli: a missing program is down, by probe and by turn', async (t) => {
  for (const command of [['no-such-program'], ['/no/such/program'], ['.']]) {
    const { backend } = setup(t, 'custom', { command })
    assert.equal((await backend.probe())?.class, 'backend_down')
    assert.equal((await backend.begin(task(folder(t))).say(issue, never)).failure?.class, 'backend_down')
  }
  const { backend } = setup(t, 'custom', { command: [] })
  assert.equal((await backend.probe())?.class, 'backend_down')
})

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A killed child stays as a zombie until its parent waits for it.
  return !existsSync('/proc/self/status') || !/^State:\s+[ZX]/m.test(statusOf(pid))
}

/** Waits until a process is gone. A kill takes a moment; a process that was not killed stays forever. */
async function waitUntilGone(pid: number): Promise<void> {
  for (let checks = 0; checks < 20_000 && alive(pid); checks++) await turn()
  assert.ok(!alive(pid), `process ${pid} still exists`)
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State:\tX'
  }
}

for (const why of ['stopped', 'budget'] as const) {
  test(`cli: ${why} kills the agent and its processes`, async (t) => {
    const { backend, calls, logFile, bin } = setup(t, 'claude', { env: { STAND_IN_TROUBLE: 'hang' } })
    const stop = new AbortController()
    const hung = new Promise<void>((resolve) => {
      const check = () => existsSync(logFile) && readFileSync(logFile, 'utf8').includes('pids') && resolve()
      const watcher = watch(bin, check)
      t.after(() => watcher.close())
    })
    const budget = why === 'budget' ? { time: 300 } : {}
    const answer = backend.begin(task(folder(t), { budget })).say(issue, stop.signal)
    if (why === 'stopped') {
      await hung
      stop.abort()
    }
    assert.equal((await answer).failure?.class, why)
    // The time may have run out before it started a process.
    if (why === 'budget') return
    const pids = calls().at(-1)?.pids ?? []
    assert.equal(pids.length, 2)
    for (const pid of pids) await waitUntilGone(pid)
  })
}

test('cli: kills processes that an agent leaves running', async (t) => {
  const { backend, calls } = setup(t, 'custom', { env: { STAND_IN_TROUBLE: 'leftover' } })
  assert.equal((await backend.begin(task(folder(t))).say(issue, never)).failure, null)
  const [pid] = calls().at(-1)?.pids ?? []
  assert.ok(pid !== undefined)
  await waitUntilGone(pid)
})

test('cli: wraps the command and passes a prompt of any size', async (t) => {
  const wrapped: (readonly string[])[] = []
  const wrap = (argv: readonly string[], dir: string) => (wrapped.push([dir, ...argv]), ['env', 'WRAPPED=yes', ...argv])
  const { backend, calls } = setup(t, 'claude', {}, { wrap })
  const dir = folder(t)
  writeFileSync(join(dir, 'greet'), 'echo "Helo"\n')
  const longPrompt = `${'x'.repeat(400_000)}\n${issue}`
  assert.equal((await backend.begin(task(dir)).say(longPrompt, never)).failure, null)
  assert.deepEqual(wrapped[0]?.slice(0, 3), [dir, 'claude', '-p'])
  assert.deepEqual([calls()[0]?.env['WRAPPED'], calls()[0]?.prompt.length], ['yes', longPrompt.length])
})
