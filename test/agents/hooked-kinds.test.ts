/** Tests starts, hooks and answers of claude, codex, gemini and qwen. Their screens have separate tests. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AgentPlace, PaneFacts, ParsedScreen } from '../../src/core/agent.ts'
import type { AgentConfig } from '../../src/core/nouns.ts'
import { paneAgent } from '../../src/agents/index.ts'

const config = (kind: AgentConfig['kind'], more: Partial<AgentConfig> = {}): AgentConfig => ({
  kind,
  command: [],
  model: null,
  provider: null,
  env: {},
  hooks: true,
  busy_input_mode: 'interrupt',
  ...more,
})
const at: AgentPlace = {
  hook: '/state/a fleet/hook',
  home: '/state/agents/W/ODIN',
  person: '/home/ann',
  name: 'burn-f-w-odin',
  configs: new Map(),
  entries: new Map(),
}
const stateOf = (kind: string, event: string, detail: string | null = null) => {
  const state = paneAgent({ kind }).hookState?.({ event, detail }) ?? null
  return state === null ? null : `${state.state}${state.detail === null ? '' : ` ${state.detail}`}`
}
const asking = (question: string): ParsedScreen => ({
  reading: { state: 'waiting', detail: 'approval', evidence: '' },
  composer: 'absent',
  composer_rows: [0, 0],
  draft: '',
  interrupts: false,
  question,
})
const menu = (mark: string) => `Allow it?\n${mark} 1. Yes, once\n  2. Yes, always\n  3. No, and say why`
const keysOf = (kind: string, wanted: string, mark: string) =>
  paneAgent({ kind })
    .answer?.(wanted, asking(menu(mark)))
    ?.map((piece) => ('key' in piece ? piece.key : 'type' in piece ? piece.type : 'paste'))
    .join(' ') ?? null

const kinds = ['claude', 'codex', 'gemini', 'qwen'] as const
const models: Readonly<Record<(typeof kinds)[number], readonly string[]>> = {
  claude: ['--model', 'm1'],
  codex: ['-m', 'm1'],
  gemini: ['-m', 'm1'],
  qwen: ['--model', 'm1'],
}

for (const kind of kinds) {
  describe(kind, () => {
    const { start } = paneAgent({ kind })

    test(`${kind}: starts with the command and model of the spec`, () => {
      assert.equal(start(config(kind), null).argv[0], kind)
      const { argv } = start(config(kind, { command: ['/opt/it', '--flag'], model: 'm1' }), null)
      assert.deepEqual(argv.slice(0, 2), ['/opt/it', '--flag'])
      assert.ok(argv.join(' ').includes(models[kind].join(' ')), argv.join(' '))
    })

    test(`${kind}: the environment of the spec takes precedence`, () => {
      const own = start(config(kind), at).env
      const [name = 'X'] = Object.keys(own)
      assert.equal(start(config(kind, { env: { [name]: 'mine' } }), at).env[name], 'mine')
    })

    test(`${kind}: hooks are in its own folder only`, () => {
      const { files = {}, links = {}, argv, env } = start(config(kind), at)
      for (const path of [...Object.keys(files), ...Object.keys(links)]) assert.ok(path.startsWith(`${at.home}/`), path)
      const words = [...argv, ...Object.values(env), ...Object.values(files)].join('\n')
      assert.ok(words.includes('a fleet/hook'), 'something names the hook')
      for (const text of Object.values(files)) {
        const { hooks } = JSON.parse(text) as { hooks: Record<string, { hooks: { command: string }[] }[]> }
        const commands = Object.values(hooks).flatMap((groups) => groups.flatMap((group) => group.hooks.map(({ command }) => command)))
        assert.ok(commands.length >= 3 && commands.every((command) => command.startsWith("'/state/a fleet/hook' ")), commands.join('\n'))
      }
      assert.deepEqual(start(config(kind), null).files ?? {}, {})
    })

    test(`${kind}: an unknown event means no state`, () => assert.equal(stateOf(kind, 'SomethingNew'), null))
  })
}

test('hooks: map events of Claude Code and Qwen to states', () => {
  for (const kind of ['claude', 'qwen']) {
    for (const event of ['UserPromptSubmit', 'PreToolUse', 'PostToolUse']) assert.equal(stateOf(kind, event), 'working')
    assert.equal(stateOf(kind, 'Stop'), 'idle')
    assert.equal(stateOf(kind, 'PermissionRequest', 'Bash'), 'waiting approval')
    assert.equal(stateOf(kind, 'Notification', 'permission_prompt'), 'waiting approval')
    assert.equal(stateOf(kind, 'Notification', 'idle_prompt'), null, 'a minute of waiting is no change')
    assert.match(stateOf(kind, 'StopFailure', 'rate_limit') ?? '', /^error/)
  }
  assert.equal(stateOf('claude', 'PermissionRequest', 'AskUserQuestion'), 'waiting question')
})

test('hooks: map events of Codex and Gemini to states', () => {
  assert.equal(stateOf('codex', 'agent-turn-complete'), 'idle')
  assert.equal(stateOf('gemini', 'BeforeAgent'), 'working')
  assert.equal(stateOf('gemini', 'AfterAgent'), 'idle')
})

test('answers: use a digit or arrows, for offered choices only', () => {
  assert.equal(keysOf('claude', '2', '❯'), '2')
  assert.equal(keysOf('codex', '3', '›'), 'Down Down Enter')
  assert.equal(keysOf('gemini', '1', '●'), 'Enter')
  assert.equal(keysOf('qwen', '2', '›'), 'Down Enter')
  for (const [kind, mark] of [
    ['claude', '❯'],
    ['codex', '›'],
    ['gemini', '●'],
    ['qwen', '›'],
  ] as const) {
    assert.equal(keysOf(kind, 'esc', mark), 'Escape')
    assert.equal(keysOf(kind, '7', mark), null)
    assert.equal(keysOf(kind, 'rm -rf /', mark), null)
  }
})

test('claude: a hint after a failed turn is no draft', () => {
  const rule = '─'.repeat(60)
  const screen = ['❯ Do it.', '', '● API Error: 402 No credits.', '', rule, '❯ Send it again', rule, '  ⏵⏵ auto mode on']
  const pane: PaneFacts = { width: 60, height: 12, title: '', command: 'claude', dead: false, cursor_x: 2, cursor_y: 5 }
  const read = (rows: readonly string[], cursor: Partial<PaneFacts> = {}) =>
    paneAgent({ kind: 'claude' }).parseScreen(rows, { ...pane, ...cursor })
  assert.deepEqual([read(screen).reading.state, read(screen).draft], ['error', ''])
  assert.equal(read(screen, { cursor_x: 15 }).draft, 'Send it again')
  assert.equal(read(screen.with(2, '● Done.')).draft, 'Send it again')
  const long = read(screen.with(2, '  ⎿  Prompt is too long · maximum context length is 8192 tokens'))
  assert.deepEqual([long.reading.state, long.reading.detail, long.draft], ['error', 'context', ''])
  const login = read(screen.with(2, '  ⎿\u00a0 Not logged in · Please run /login'))
  assert.deepEqual([login.reading.state, login.reading.detail, login.draft], ['error', 'auth', ''])
})

test('claude: keys answer a dialog without choices', () => {
  const screen = [
    '● Agent(Look)',
    '─'.repeat(60),
    "  Auto mode can't check actions",
    '',
    '  Enter to stay · shift+Tab to leave',
    '  · Esc to cancel',
  ]
  const pane: PaneFacts = { width: 60, height: 12, title: '⠂ Claude Code', command: 'claude', dead: false, cursor_x: 0, cursor_y: 5 }
  const agent = paneAgent({ kind: 'claude' })
  const parsed = agent.parseScreen(screen, pane)
  assert.deepEqual([parsed.reading.state, parsed.reading.evidence], ['waiting', "Auto mode can't check actions"])
  assert.deepEqual(agent.answer?.('enter', parsed), [{ key: 'Enter' }])
  assert.deepEqual(agent.answer?.('esc', parsed), [{ key: 'Escape' }])
  assert.equal(agent.parseScreen(screen.slice(0, -2), pane).reading.state, 'working')
})

test('qwen: a suggested prompt is no draft', () => {
  const rule = '─'.repeat(60)
  const screen = ['  > Do it.', '  ◆\ufe0e All is well.', '', rule, '> run the tests', rule, '  ➜ A · stub']
  const pane: PaneFacts = { width: 60, height: 12, title: '', command: 'node', dead: false, cursor_x: 2, cursor_y: 4 }
  const read = (cursor: Partial<PaneFacts>) => paneAgent({ kind: 'qwen' }).parseScreen(screen, { ...pane, ...cursor })
  assert.deepEqual([read({}).composer, read({}).reading.state], ['empty', 'idle'])
  assert.equal(read({ cursor_x: 15 }).draft, 'run the tests')
  assert.equal(read({ cursor_x: 0, cursor_y: 9 }).draft, 'run the tests', 'older versions')
  const { files = {} } = paneAgent({ kind: 'qwen' }).start(config('qwen'), at)
  assert.match(Object.values(files).join(), /"enableFollowupSuggestions": false/)
})

test('conversations: four kinds continue one and report its id', () => {
  const argsOf = (kind: string) => paneAgent({ kind }).conversations?.resumeArgs('c1')
  assert.deepEqual(
    [argsOf('claude'), argsOf('codex')],
    [
      ['--resume', 'c1'],
      ['resume', 'c1'],
    ],
  )
  assert.deepEqual(
    [argsOf('hermes'), argsOf('opencode')],
    [
      ['--resume', 'c1'],
      ['--session', 'c1'],
    ],
  )
  for (const kind of ['gemini', 'qwen', 'pi', 'shell']) assert.equal(argsOf(kind), undefined, kind)
  const claude = paneAgent({ kind: 'claude' }).start(config('claude'), at)
  assert.match(JSON.stringify(claude.files), /SessionStart.*hook' SessionStart @session_id/)
  assert.match(paneAgent({ kind: 'codex' }).start(config('codex'), at).argv.join(' '), /"@thread-id\?input-messages\^\[burn"/)
  const qwen = paneAgent({ kind: 'qwen' }).start(config('qwen'), at)
  assert.doesNotMatch(JSON.stringify(qwen.files), /session_id/)
  const isMissing = paneAgent({ kind: 'hermes' }).conversations?.isMissing
  assert.equal(isMissing?.(['╰──╯', '', 'Session not found: 2026', '1127_2039', 'Welcome'], '20261127_2039'), true)
  assert.equal(isMissing?.(['↻ Resumed session 20261127_2039', 'Session not found: 1'], '20261127_2039'), false)
})
