/** Runs the tool calls of one answer, one after another, in the model's order. */
import type { BackendTask, Tool, ToolResult } from '../core/sprint.ts'
import type { Clock } from '../core/ports.ts'
import { messageOf } from '../core/errors.ts'
import { truncateMiddle, isFields, parseJson, type JsonObject } from '../core/json.ts'
import type { ToolCall, ChatMessage } from './completion.ts'

export interface CallDeps {
  readonly task: BackendTask
  readonly clock: Clock
  readonly signal: AbortSignal
  /** The maximum number of characters of a result that the model receives. */
  readonly maxChars: number
}

/**
 * Runs the calls. Returns the messages for the model, and the number of invalid calls. After the signal aborts, runs none of the remaining
 * calls.
 */
export async function runToolCalls(
  calls: readonly ToolCall[],
  deps: CallDeps,
): Promise<{ messages: readonly ChatMessage[]; invalid: number }> {
  const messages: ChatMessage[] = []
  let invalid = 0
  for (const call of calls) {
    const parsed = parseToolCall(call, deps.task.tools)
    const startedAt = deps.clock.now()
    const result = 'problem' in parsed ? { ok: false, text: parsed.problem } : await runTool(parsed.tool, parsed.args, deps)
    if ('problem' in parsed) invalid++
    const text = truncateMiddle(result.text, deps.maxChars)
    const args = 'problem' in parsed ? truncateMiddle(call.arguments, 1_000) : parsed.args
    deps.task.note({ kind: 'call', tool: call.name, args, ok: result.ok, text, ms: deps.clock.now() - startedAt })
    messages.push({ role: 'tool', tool_call_id: call.id, content: text === '' ? '(no output)' : text })
  }
  return { messages, invalid }
}

function parseToolCall(
  call: ToolCall,
  tools: readonly Tool[],
): { readonly tool: Tool; readonly args: JsonObject } | { readonly problem: string } {
  const tool = tools.find(({ name }) => name === call.name)
  if (tool === undefined)
    return { problem: `The tool ${JSON.stringify(call.name)} does not exist. The tools are: ${tools.map(({ name }) => name).join(', ')}.` }
  // Many models send an empty string for a tool without arguments.
  const args = parseJson(call.arguments.trim() === '' ? '{}' : call.arguments)?.value
  if (isFields(args)) return { tool, args }
  return {
    problem: `The arguments of ${call.name} are not a JSON object, so burn did not run this call. Repeat the call with complete, valid JSON.`,
  }
}

async function runTool(tool: Tool, args: JsonObject, { signal }: CallDeps): Promise<ToolResult> {
  if (signal.aborted) return { ok: false, text: 'burn did not run this call, because the sprint was stopped.' }
  try {
    return await tool.run(args, signal)
  } catch (thrown) {
    return { ok: false, text: `${tool.name} failed: ${messageOf(thrown)}` }
  }
}
