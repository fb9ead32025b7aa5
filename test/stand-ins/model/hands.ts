/** Imitates the tools and the loop of an agent that does the work itself, such as Hermes or Claude Code. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { OfferedTool, Reply, Script, ChatMessage } from './replies.ts'

type Args = Readonly<Record<string, string>>

const tools: Readonly<Record<string, (dir: string, args: Args) => string>> = {
  read_file: (dir, { path = '' }) => readFileSync(join(dir, path), 'utf8'),
  write_file: (dir, { path = '', content = '' }) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content)
    return 'written'
  },
  edit_file: (dir, args) => {
    const text = readFileSync(join(dir, args['path'] ?? ''), 'utf8')
    writeFileSync(
      join(dir, args['path'] ?? ''),
      text.replace(args['old'] ?? '', () => args['new'] ?? ''),
    )
    return 'edited'
  },
  run_command: (dir, { command = '' }) => execFileSync('sh', ['-c', command], { cwd: dir, encoding: 'utf8' }),
}
const offered: readonly OfferedTool[] = Object.keys(tools).map((name) => ({ name, parameters: {} }))

/** One tool call, as agents report it. */
export interface Step {
  readonly tool: string
  readonly args: Args
  readonly output: string
  readonly ok: boolean
}

/** Runs a brain in a directory until it makes no more calls. Returns its last reply; `step` gets each call. */
export function workIn(dir: string, brain: Script, earlier: readonly ChatMessage[], prompt: string, step: (step: Step) => void): Reply {
  const messages: ChatMessage[] = [...earlier, { role: 'user', content: prompt }]
  for (;;) {
    const reply = brain(messages, offered)
    const calls = 'calls' in reply ? (reply.calls ?? []) : []
    if (calls.length === 0) return reply
    const asked = calls.map((call, index) => ({
      id: `${messages.length}_${index}`,
      function: { name: call.name, arguments: JSON.stringify(call.args) },
    }))
    messages.push({ role: 'assistant', content: '', tool_calls: asked })
    for (const [index, call] of calls.entries()) {
      const done = attempt(dir, call.name, call.args as Args)
      step(done)
      messages.push({ role: 'tool', content: done.output, tool_call_id: asked[index]?.id ?? '' })
    }
  }
}

function attempt(dir: string, tool: string, args: Args): Step {
  try {
    return { tool, args, output: tools[tool]?.(dir, args) ?? 'no such tool', ok: true }
  } catch (thrown) {
    return { tool, args, output: String(thrown), ok: false }
  }
}
