/** The calls of one answer: run one after another, as the model wrote them. */
import type { BackendTask, Tool, ToolResult } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { messageOf } from '../core/errors.ts'
import { truncateMiddle, isFields, parseJson, type JsonObject } from '../core/json.ts'
import type { ToolCall, ChatMessage } from './completion.ts'

export interface CallDeps {
  readonly task: BackendTask
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Characters of a result that the model is told. */
  readonly most: number
}

/** What the model is told of its calls, and how many could not be run at all. Ends between two calls once the signal is aborted. */
export async function runToolCalls(calls: readonly ToolCall[], deps: CallDeps): Promise<{ messages: readonly ChatMessage[]; bad: number }> {
  const messages: ChatMessage[] = []
  let bad = 0
  for (const call of calls) {
    const ready = understand(call, deps.task.tools)
    const from = deps.clock.now()
    const result = 'told' in ready ? { ok: false, text: ready.told } : await runTool(ready.tool, ready.args, deps)
    if ('told' in ready) bad++
    const text = truncateMiddle(result.text, deps.most)
    const args = 'told' in ready ? truncateMiddle(call.arguments, 1_000) : ready.args
    deps.task.note({ kind: 'call', tool: call.name, args, ok: result.ok, text, ms: deps.clock.now() - from })
    messages.push({ role: 'tool', tool_call_id: call.id, content: text === '' ? '(no output)' : text })
  }
  return { messages, bad }
}

function understand(
  call: ToolCall,
  tools: readonly Tool[],
): { readonly tool: Tool; readonly args: JsonObject } | { readonly told: string } {
  const tool = tools.find(({ name }) => name === call.name)
  if (tool === undefined)
    return { told: `There is no tool ${JSON.stringify(call.name)}. There are: ${tools.map(({ name }) => name).join(', ')}.` }
  // Many models write nothing where a tool needs nothing.
  const args = parseJson(call.arguments.trim() === '' ? '{}' : call.arguments)?.value
  if (isFields(args)) return { tool, args }
  return { told: `The arguments of ${call.name} are not a JSON object, so it was not run. Call it again with whole, valid JSON.` }
}

async function runTool(tool: Tool, args: JsonObject, { signal }: CallDeps): Promise<ToolResult> {
  if (signal.aborted) return { ok: false, text: 'It was not run: the work was stopped.' }
  try {
    return await tool.run(args, signal)
  } catch (thrown) {
    return { ok: false, text: `${tool.name} failed: ${messageOf(thrown)}` }
  }
}
