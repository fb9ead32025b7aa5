/**
 * Imitates the command line of a coding agent. Called as `main.ts <agent> <its arguments>`, it reads its prompt as that agent does, works
 * with the handyman's brain, and prints what that agent prints. `STAND_IN_TROUBLE` makes it fail in a certain way. `STAND_IN_LOG` is the
 * file to which it logs its calls.
 */
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { handyman } from './handyman.ts'
import { workIn, type Step } from './hands.ts'
import type { ChatMessage } from './replies.ts'

const [agent = '', ...args] = process.argv.slice(2)
const trouble = process.env['STAND_IN_TROUBLE'] ?? ''
const out = (value: unknown) => process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`)
const after = (flag: string) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined)
const resumed = after('--resume') ?? after('resume') ?? after('--session')
const session = resumed ?? `session-${process.pid}`

/** The arguments that each agent requires, so that a wrong argv fails here as it does with the real program. */
const calls: Readonly<Record<string, RegExp>> = {
  hermes: /^chat -Q --yolo .*--query-file -/,
  claude: /^-p --output-format json .*--permission-mode acceptEdits/,
  codex: /^exec --json .*--sandbox workspace-write.* -$/,
  opencode: /^run --format json/,
}
const messages: Readonly<Record<string, string>> = {
  auth: 'Error code: 401 - Invalid API key',
  limit: 'HTTP 429: rate limit exceeded',
}

/** The file of a session. Agents keep their sessions, this one in the home. */
const memory = (id: string) => join(process.env['HOME'] ?? '.', `.stand-in-${id}`)

function work(prompt: string, step: (step: Step) => void): string {
  const earlier: ChatMessage[] =
    resumed !== undefined && existsSync(memory(resumed)) ? (JSON.parse(readFileSync(memory(resumed), 'utf8')) as ChatMessage[]) : []
  const reply = trouble === 'empty' ? { text: '' } : workIn(process.cwd(), handyman, earlier, prompt, step)
  const answer = 'text' in reply ? (reply.text ?? '') : ''
  writeFileSync(memory(session), JSON.stringify([...earlier, { role: 'user', content: prompt }, { role: 'assistant', content: answer }]))
  return answer
}

/** The reasons that Hermes 0.22 prints to stdout, in the order of its advice and the provider's words. It exits with code 1. */
const refusals: Readonly<Record<string, string>> = {
  '401': "custom rejected your API key, so the model can't be reached.\n\nProvider said: HTTP 401: This key is wrong.",
  '402': 'Billing or credits exhausted: HTTP 402: Add money, then try again.\n\nYou can switch providers with /model.',
  '404': "Model 'x' isn't available on custom. Pick a different model with /model.\n\nProvider said: HTTP 404: There is no x.",
  '429': 'custom rate-limited every one of 3 attempts. Send /retry.\n\nProvider said: HTTP 429: Too fast.',
}
/** A warning that is not the reason of a failure. Hermes prints warnings to stdout, too. */
const unrelated = '\u001b[33m⚠ tirith: the scanner failed to start, error 2\u001b[0m'

function hermes(prompt: string): number {
  process.stderr.write(`${unrelated}\n`)
  const refusal = refusals[trouble]
  if (refusal !== undefined) return (out(refusal), process.stderr.write(`\nsession_id: ${session}\n`), 1)
  const failed = messages[trouble]
  // 0.20 exits with 0 if the provider refuses.
  if (failed !== undefined) return (out(`API call failed after 3 retries: ${failed}`), 0)
  const answer = work(prompt, () => undefined)
  if (answer === '') process.stderr.write('Error: the model returned an empty response\n')
  out(`${unrelated}\n${answer}`)
  process.stderr.write(`\nsession_id: ${session}\n`)
  return 0
}

function claude(prompt: string): number {
  const usage = { input_tokens: 10, cache_creation_input_tokens: 20, cache_read_input_tokens: 70, output_tokens: 5 }
  const result = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    num_turns: 3,
    session_id: session,
    total_cost_usd: 0.25,
    usage,
    modelUsage: { 'claude-x': {} },
  }
  const failed = messages[trouble]
  if (failed !== undefined) return (out({ ...result, is_error: true, result: `API Error: ${failed}` }), 1)
  if (trouble === 'turns') return (out({ ...result, subtype: 'error_max_turns', is_error: true }), 1)
  out({ ...result, result: work(prompt, () => undefined) })
  return 0
}

function codex(prompt: string): number {
  out({ type: 'thread.started', thread_id: session })
  out({ type: 'turn.started' })
  const failed = messages[trouble]
  if (failed !== undefined) {
    out({ type: 'error', message: 'Reconnecting... 1/5' })
    out({ type: 'turn.failed', error: { message: failed } })
    return 1
  }
  out({ type: 'error', message: 'Reconnecting... 1/5 (HTTP 503)' })
  const answer = work(prompt, ({ args: call, output, ok }) => {
    const item = {
      id: 'item_1',
      type: 'command_execution',
      command: JSON.stringify(call),
      aggregated_output: output,
      exit_code: ok ? 0 : 1,
      status: 'completed',
    }
    out({ type: 'item.completed', item })
  })
  out({ type: 'item.completed', item: { id: 'item_2', type: 'agent_message', text: answer } })
  // The usage covers the whole session, as Codex 0.169 counts it.
  const runs = (JSON.parse(readFileSync(memory(session), 'utf8')) as ChatMessage[]).filter(({ role }) => role === 'user').length
  out({ type: 'turn.completed', usage: { input_tokens: 100 * runs, cached_input_tokens: 70 * runs, output_tokens: 5 * runs } })
  return 0
}

function opencode(prompt: string): number {
  const emit = (type: string, fields: object) => out({ type, timestamp: 1, sessionID: session, ...fields })
  const failed = messages[trouble]
  if (failed !== undefined) {
    emit('error', { error: { name: 'APIError', data: { message: failed, statusCode: trouble === 'auth' ? 401 : 429 } } })
    return 0
  }
  emit('step_start', { part: { type: 'step-start' } })
  const answer = work(prompt, ({ tool, args: input, output, ok }) =>
    emit('tool_use', { part: { type: 'tool', tool, state: { status: ok ? 'completed' : 'error', input, output } } }),
  )
  emit('text', { part: { type: 'text', text: answer } })
  emit('step_finish', {
    part: { type: 'step-finish', cost: 0.25, tokens: { input: 30, output: 4, reasoning: 1, cache: { read: 70, write: 0 } } },
  })
  return 0
}

async function main(): Promise<void> {
  const prompt = await text(process.stdin)
  const log = process.env['STAND_IN_LOG']
  if (log !== undefined) appendFileSync(log, `${JSON.stringify({ agent, args, prompt, env: process.env, cwd: process.cwd() })}\n`)
  if (calls[agent]?.test(args.join(' ')) === false) {
    process.stderr.write(`${agent}: error: unrecognized arguments: ${args.join(' ')}\n`)
    process.exitCode = 2
    return
  }
  if (trouble === 'noise') return void out('\u001b[1mWelcome!\u001b[0m')
  if (trouble === 'crash') process.kill(process.pid, 'SIGKILL')
  if (trouble === 'leftover') {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' })
    child.unref()
    appendFileSync(log ?? '/dev/null', `${JSON.stringify({ pids: [child.pid] })}\n`)
  }
  if (trouble === 'hang') {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'inherit' })
    appendFileSync(log ?? '/dev/null', `${JSON.stringify({ pids: [process.pid, child.pid] })}\n`)
    setInterval(() => undefined, 1e6)
    return
  }
  const plain = () => (out(work(prompt, () => undefined)), trouble === 'code' ? 3 : 0)
  process.exitCode = ({ hermes, claude, codex, opencode }[agent] ?? plain)(prompt)
}

await main()
