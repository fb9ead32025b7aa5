/** Tests the hook script with real shells, awks and tmux servers. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { hookScript } from '../../src/agents/hook.ts'
import { fileLine, lineChecksum } from '../../src/core/typed-line.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { parseHookEvent } from '../../src/core/hook-event.ts'
import { parseLimits } from '../../src/core/usage-limit.ts'
import { scratch, until } from '../support/fleet.ts'
import { privateSocket } from '../support/tmux.ts'
import { anyCharacter } from '../support/any-character.ts'

/** Starts a pane on a server of its own, with the hook installed beside it. */
function pane(t: TestContext) {
  const dir = scratch(t)
  const socket = privateSocket(t)
  const tmux = (...words: readonly string[]) => execFileSync('tmux', ['-u', '-L', socket, ...words], { encoding: 'utf8' }).trimEnd()
  tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', 'cat')
  const id = tmux('display-message', '-p', '#{pane_id}')
  mkdirSync(join(dir, 'hooks'))
  writeFileSync(join(dir, 'hook'), hookScript, { mode: 0o700 })
  const env = { PATH: process.env['PATH'] ?? '', TMUX: tmux('display-message', '-p', '#{socket_path},#{pid},0'), TMUX_PANE: id }
  const file = join(dir, 'hooks', `${id.slice(1)}.jsonl`)
  return {
    file,
    tmux,
    option: () => parseHookEvent(tmux('show-options', '-p', '-q', '-v', '-t', id, '@burn_signal')),
    dir,
    hook: (words: readonly string[], payload: string | Buffer, more: Record<string, string> = {}, program = 'hook') =>
      new Promise<{ code: number | null; out: string }>((done) => {
        const child = spawn(join(dir, program), words, { env: { ...env, ...more } })
        let out = ''
        child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
        child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
        child.stdin.on('error', () => {})
        child.stdin.end(payload)
        child.on('close', (code) => done({ code, out }))
      }),
    lines: () =>
      readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; detail: string | null; ids: string[]; ok: boolean }),
  }
}

/** Returns the lines that the real program wrote while its provider reported limits. */
function recordedLimits(name: string): string[] {
  return readFileSync(join(import.meta.dirname, 'limit-records', name), 'utf8')
    .trimEnd()
    .split('\n')
}

const id = '1m7y6ewdbs30w'

test('hook: writes one line per event, with ids and words only', async (t) => {
  const { hook, lines, option, file } = pane(t)
  const payload = JSON.stringify({ tool_name: 'clarify', extra: { user_message: `my secret [burn ${id}] "tool_name":"no"` } }, null, 2)
  assert.deepEqual(await hook(['pre_tool_call', 'tool_name'], payload), { code: 0, out: '' })
  assert.deepEqual(await hook(['agent-turn-complete', '{"type":"x"}'], ''), { code: 0, out: '' })
  const end = {
    failed: false,
    interrupted: null,
    turn_exit_reason: 'text_response(finish_reason=stop)',
    status_code: 401,
    answer: '[no text]',
  }
  await hook(['end', 'failed,interrupted,missing,turn_exit_reason,status_code'], JSON.stringify({ extra: end }))
  await hook(['end', 'missing,interrupted'], JSON.stringify(end))
  await hook(['end', 'answer=[no text]'], JSON.stringify(end))
  await hook(['end', 'answer=[no text]'], JSON.stringify({ answer: 'my secret' }))
  assert.deepEqual(
    lines().map(({ event, detail, ids, ok }) => [event, detail, ids, ok]),
    [
      ['pre_tool_call', 'clarify', [id], true],
      ['agent-turn-complete', null, [], true],
      ['end', 'false:::text_response:401', [], true],
      ['end', null, [], true],
      ['end', 'true', [], true],
      ['end', 'false', [], true],
    ],
  )
  assert.ok(!readFileSync(file, 'utf8').includes('secret'))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  // The option has the last event, with the ids of earlier ones.
  await until('tmux has the event', () => option()?.event === 'end')
  assert.deepEqual(option()?.deliveries, [{ id, sum: null }])
})

test('hook: events of an earlier agent of the pane change nothing', async (t) => {
  const { hook, option, lines, tmux } = pane(t)
  tmux('set-option', '-p', '@burn_agent_id', 'new')
  await hook(['Stop'], '{}', { BURN_AGENT_ID: 'new' })
  await until('tmux has the event', () => option()?.event === 'Stop')
  await hook(['SessionStart'], '{}', { BURN_AGENT_ID: 'old' })
  await hook(['StopFailure'], '{}')
  assert.equal(lines().length, 3)
  // The last event in the file is not of this agent, and each call ends after its own event is set.
  await hook(['Stop', 'reason'], '{"reason":"again"}', { BURN_AGENT_ID: 'new' })
  await hook(['StopFailure'], '{}', { BURN_AGENT_ID: 'old' })
  await until('tmux has the second event', () => option()?.detail === 'again')
  assert.equal(option()?.event, 'Stop')
})

test('hook: keeps the last conversation that fulfils its condition', async (t) => {
  const { hook, option } = pane(t)
  const told = async (keys: string, payload: object, expected: string | null) => {
    await hook(['Stop', keys], JSON.stringify({ ...payload, n: expected }))
    await until(`${keys} reports ${expected}`, () => option()?.conversation === expected)
  }
  await told('n,@session_id', { session_id: null }, null)
  await told('@session_id,n', { session_id: 'a-1' }, 'a-1')
  await told('task_id,@session_id?task_id', { session_id: 's_2', task_id: 's_2' }, 's_2')
  await told('@session_id?task_id', { session_id: 's_3', task_id: 'sub' }, 's_2')
  const codex = '@thread-id?input-messages^[burn'
  await told(codex, { 'thread-id': 't4', 'input-messages': [`[burn ${id}] go`, 'more'] }, 't4')
  await told(codex, { 'thread-id': 't5', 'input-messages': [`A title for: [burn ${id}] go`] }, 't4')
  await told('n', { other: 1 }, 't4')
})

test('hook: drops and counts invalid payloads without disturbing the agent', async (t) => {
  const { hook, lines } = pane(t)
  assert.deepEqual(await hook(['Stop'], 'Segmentation fault'), { code: 0, out: '' })
  assert.deepEqual(await hook(['Stop'], Buffer.alloc(2_000_000, 'a')), { code: 0, out: '' })
  assert.deepEqual(await hook(['Stop'], '{}'), { code: 0, out: '' })
  assert.deepEqual(
    lines().map(({ ok }) => ok),
    [false, false, true],
  )
})

test('hook: exits with 0 without a pane, folder or tmux', async (t) => {
  const { hook } = pane(t)
  assert.deepEqual(await hook(['Stop'], '{}', { TMUX_PANE: '' }), { code: 0, out: '' })
  assert.deepEqual(await hook(['Stop'], '{}', { TMUX_PANE: '%1;rm' }), { code: 0, out: '' })
  assert.deepEqual(await hook(['Stop'], '{}', { TMUX: '/nowhere,1,0' }), { code: 0, out: '' })
})

test('hook: works the same with every awk on this machine', async (t) => {
  const { hook, option } = pane(t)
  const dir = scratch(t)
  const awks = [['mawk'], ['gawk', '--posix'], ['original-awk'], ['busybox', 'awk']].filter(
    ([name = '']) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
  )
  for (const [index, words] of awks.entries()) {
    mkdirSync(join(dir, String(index)))
    writeFileSync(join(dir, String(index), 'awk'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o700 })
    await hook([`event-${index}`, 'tool_name'], `{"tool_name":"Bash","prompt":"[burn ${id}]"}`, {
      PATH: `${join(dir, String(index))}:${process.env['PATH']}`,
    })
    await until(`${words.join(' ')} set the option`, () => option()?.event === `event-${index}`)
    assert.deepEqual([option()?.detail, option()?.deliveries], ['Bash', [{ id, sum: null }]], words.join(' '))
  }
})

const line = fileLine(id, '/w/A/.burn/x.md', { sha256: 'a'.repeat(64), lines: 12, longest: 80 })
const expected = [{ id, sum: lineChecksum(line) }]

test('hook: reports a checksum of the line from any recorded form', async (t) => {
  const { hook, option, tmux } = pane(t)
  const awks = [['mawk'], ['gawk', '--posix'], ['original-awk'], ['busybox', 'awk']].filter(
    ([name = '']) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
  )
  const old = '[burn 1m7y6ewdbs000] Read all 2 lines of .burn/1m7y6ewdbs000.md (sha256 0) and do what it says.'
  const forms: readonly (readonly [string, object])[] = [
    ['UserPromptSubmit', { prompt: line }],
    ['BeforeAgent', { transcript_path: '/x', prompt: `${line}\n` }],
    ['pre_llm_call', { extra: { conversation_history: [{ role: 'user', content: old }], user_message: line } }],
    ['pre_llm_call', { extra: { user_message: `the unanswered one\n\n${line} [a note of the agent]` } }],
    ['input', { text: `${line} ` }],
    ['chat.message', { text: line }],
    ['agent-turn-complete', { type: 'x', 'input-messages': ['hello "you"', line], 'last-assistant-message': `[burn ${id}] is done` }],
  ]
  const dir = scratch(t)
  for (const [index, words] of awks.entries()) {
    mkdirSync(join(dir, String(index)))
    writeFileSync(join(dir, String(index), 'awk'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o700 })
    const env = { PATH: `${join(dir, String(index))}:${process.env['PATH']}` }
    for (const [event, payload] of index === 0 ? forms : forms.slice(3, 4)) {
      tmux('set-option', '-p', '-u', '@burn_signal')
      await hook([event], JSON.stringify(payload), env)
      await until(`${words.join(' ')} reported ${event}`, () => option()?.event === event)
      assert.deepEqual(option()?.deliveries.slice(0, 1), expected, `${words.join(' ')}, ${event}`)
    }
  }
  await hook(['UserPromptSubmit'], JSON.stringify({ prompt: `[burn ${id}] another text` }))
  await until('the other line is in the option, too', () => (option()?.deliveries.length ?? 0) > 1)
  assert.notEqual(option()?.deliveries[0]?.sum, lineChecksum(line))
  assert.ok(option()?.deliveries.some(({ sum }) => sum === lineChecksum(line)))
})

test('hook: a status line reports usage limits', async (t) => {
  const { hook, tmux, dir } = pane(t)
  const [unknown = '', known = '', full = ''] = recordedLimits('claude-status-line.jsonl')
  const limits = () => tmux('show-options', '-p', '-q', '-v', '@burn_limits')
  await hook(['--limits'], unknown)
  await hook(['--limits'], `${known.slice(0, -20)}`)
  assert.equal(limits(), '')
  assert.deepEqual(await hook(['--limits'], known), { code: 0, out: '' })
  const first = limits()
  tmux('set-option', '-p', '@burn_limits', first.replace(/^\d+/, '9'))
  await hook(['--limits'], known)
  assert.match(limits(), /^9 /, 'the same report keeps its time')
  const own = { type: 'command', command: `read -r line; echo "it's \${#line} long"`, padding: 0 }
  const at = { hook: join(dir, 'hook'), home: dir, person: dir, name: 'a', entries: new Map() }
  const { files = {} } = paneAgent({ kind: 'claude' }).start(
    { kind: 'claude', command: [], model: null, provider: null, busy_input_mode: 'interrupt', hooks: true, env: {} },
    { ...at, configs: new Map([['.claude/settings.json', { statusLine: own }]]) },
  )
  const { statusLine } = JSON.parse(Object.values(files)[0] ?? '') as { statusLine: typeof own }
  assert.equal(statusLine.padding, 0)
  writeFileSync(join(dir, 'status'), `#!/bin/sh\n${statusLine.command}\n`, { mode: 0o700 })
  assert.equal((await hook([], full, {}, 'status')).out, `it's ${full.length} long\n`)
  const [hours, days] = parseLimits(limits())
  assert.deepEqual([hours?.name, hours?.used, hours?.resets_at], ['5h', 100, 1_795_842_736_000])
  assert.deepEqual([days?.name, days?.used], ['7d', 17])
  assert.ok(Math.abs(Date.now() - (hours?.at ?? 0)) < 60_000)
})

test('hook: the last event stays, and no agent waits for it', async (t) => {
  const { hook, option } = pane(t)
  const dir = scratch(t)
  const [reached, released, set] = ['reached', 'released', 'set'].map((name) => join(dir, name))
  const slow = `#!/bin/sh\n: >'${reached}'\nuntil [ -e '${released}' ]; do sleep 0.02; done\nPATH=\${PATH#*:}\ntmux "$@"\n: >'${set}'\n`
  writeFileSync(join(dir, 'tmux'), slow, { mode: 0o700 })
  await hook(['pre_llm_call'], '{}', { PATH: `${dir}:${process.env['PATH']}` })
  await until('the earlier call is about to set the option', () => existsSync(reached!))
  await hook(['api_request_error'], '{}')
  await until('the later call has set the option', () => option()?.event === 'api_request_error')
  writeFileSync(released!, '')
  await until('the earlier call has set the option', () => existsSync(set!))
  await until('the later event is in the option', () => option()?.event === 'api_request_error', 5_000)
})

test('hook: concurrent events mix no lines, and the file stays small', async (t) => {
  const { hook, lines, file } = pane(t)
  await Promise.all(Array.from({ length: 24 }, (_, index) => hook([`e${index}`], `{"x":"[burn ${id}]"}`)))
  assert.equal(lines().length, 24)
  writeFileSync(file, `${'x'.repeat(300_000)}\n`)
  await hook(['Stop'], '{}')
  const large = (path: string) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 300_000
  await until('a new file was started', () => existsSync(`${file}.1`) && !large(file))
})

test('hook: any payload leaves valid lines', async (t) => {
  const { hook, lines } = pane(t)
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: anyCharacter, maxLength: 60 }), fc.json(), async (event, payload) => {
      assert.deepEqual(await hook([event.replaceAll('\0', ''), 'tool_name'], payload), { code: 0, out: '' })
      assert.match(lines().at(-1)?.event ?? '?', /^[\w.:-]*$/)
    }),
    { numRuns: 15 },
  )
})
