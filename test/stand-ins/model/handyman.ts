/**
 * A brain that does small issues with the tools that it is offered, from the text alone. It can add or remove a file, rename a word, set a
 * version, or correct a spelling. It finds out from the conversation how far the work is, so it keeps no state.
 */
import type { OfferedTool, Reply, ChatMessage, ToolCall } from './replies.ts'

const file = '`?([\\w][\\w./-]*\\w)`?'

/** One file, and how its text changes; null removes the file. */
interface Job {
  readonly path: string
  readonly change: ((before: string) => string) | null
  /** True if the file need not be read first. */
  readonly fresh?: true
}

interface Wish {
  readonly what: string
  readonly jobs: readonly Job[]
}

/** Returns what an issue's text asks for; null if the brain does not understand it. */
export function wishIn(text: string): Wish | null {
  const match = (pattern: string) => new RegExp(pattern, 'i').exec(text)
  const [, added, body = ''] = match(`\\badd (?:a|the) file ${file} that says:\\s*\`\`\`\\w*\\n([^]*?)\`\`\``) ?? []
  if (added !== undefined) return { what: `Add ${added}`, jobs: [{ path: added, change: () => body, fresh: true }] }
  const [, removed] = match(`\\bremove the file ${file}`) ?? []
  if (removed !== undefined) return { what: `Remove ${removed}`, jobs: [{ path: removed, change: null }] }
  const [, from, to = '', ...paths] = match(`\\brename \`(\\w+)\` to \`(\\w+)\` in ${file}(?: and ${file})?`) ?? []
  if (from !== undefined) {
    const change = (before: string) => before.replace(new RegExp(`\\b${from}\\b`, 'g'), to)
    return { what: `Rename ${from} to ${to}`, jobs: paths.filter((path) => path !== undefined).map((path) => ({ path, change })) }
  }
  const [, versioned, version = ''] = match(`\\bset the version in ${file} to (\\d+\\.\\d+\\.\\d+)`) ?? []
  if (versioned !== undefined)
    return {
      what: `Set the version to ${version}`,
      jobs: [{ path: versioned, change: (before) => before.replace(/\d+\.\d+\.\d+/, version) }],
    }
  const [, misspelt, wrong = '', right = ''] = match(`\\bin ${file} it says "([^"]+)"[^"]*\\bshould (?:be|say) "([^"]+)"`) ?? []
  return misspelt === undefined
    ? null
    : { what: `Correct "${wrong}" in ${misspelt}`, jobs: [{ path: misspelt, change: (before) => before.replaceAll(wrong, () => right) }] }
}

/** Returns the next reply of the brain. */
export function handyman(messages: readonly ChatMessage[], tools: readonly OfferedTool[]): Reply {
  const wish = messages.filter(({ role }) => role === 'user').flatMap(({ content }) => wishIn(content ?? '') ?? [])[0]
  if (wish === undefined) return { text: 'I do not understand what is asked for, and change nothing.' }
  const ended = `${wish.what}: done.`
  if (messages.some(({ role, content }) => role === 'assistant' && content === ended)) return { text: 'I see nothing more to do.' }
  const done = callsIn(messages)
  for (const job of wish.jobs) {
    const changed = done.find((call) => call.name !== 'read_file' && mentions(call, job.path))
    if (changed !== undefined) continue
    const read = done.find((call) => call.name === 'read_file' && mentions(call, job.path))
    const call =
      job.change === null || job.fresh === true ? act(job, '', tools) : read === undefined ? look(job, tools) : act(job, read.result, tools)
    if (call === null) return { text: `${job.path} does not have what the issue names; I change nothing.` }
    return { text: `${wish.what}: ${call.name} ${job.path}.`, calls: [call] }
  }
  return { text: ended }
}

interface Made {
  readonly name: string
  readonly args: string
  readonly result: string
}

function callsIn(messages: readonly ChatMessage[]): Made[] {
  const results = new Map(messages.filter(({ role }) => role === 'tool').map(({ tool_call_id, content }) => [tool_call_id, content ?? '']))
  return messages.flatMap(({ tool_calls = [] }) =>
    tool_calls.map((call) => ({ name: call.function.name, args: call.function.arguments, result: results.get(call.id) ?? '' })),
  )
}

function mentions({ args }: Made, path: string): boolean {
  return args.includes(path)
}

function look({ path }: Job, tools: readonly OfferedTool[]): ToolCall {
  return call('read_file', { path }, tools)
}

/** Edits one line; writes the whole file if more than one line changes. */
function act({ path, change }: Job, shown: string, tools: readonly OfferedTool[]): ToolCall | null {
  if (change === null) return call('run_command', { command: `rm -- '${path}'` }, tools)
  const before = plain(shown)
  const after = change(before)
  if (after === before) return null
  const [was, is] = [before.split('\n'), after.split('\n')]
  const at = was.flatMap((line, index) => (line === is[index] ? [] : [index]))
  const line = was[at[0] ?? 0] ?? ''
  if (before === '' || at.length !== 1 || was.filter((each) => each.includes(line)).length !== 1)
    return call('write_file', { path, content: after }, tools)
  return call('edit_file', { path, old: line, new: is[at[0] ?? 0] }, tools)
}

/** Returns the text of a file, whether or not the tool numbers its lines. */
function plain(shown: string): string {
  const lines = shown.split('\n')
  const numbered = lines.every((line) => line === '' || /^ *\d+\t/.test(line))
  const text = numbered ? lines.map((line) => line.replace(/^ *\d+\t/, '')).join('\n') : shown
  return text.endsWith('\n') || text === '' ? text : `${text}\n`
}

/** Makes a call, with the parameter names of the offered tool. */
function call(name: string, wanted: Readonly<Record<string, unknown>>, tools: readonly OfferedTool[]): ToolCall {
  const known = Object.keys(tools.find((tool) => tool.name === name)?.parameters.properties ?? {})
  const like: Readonly<Record<string, RegExp>> = {
    path: /path|file/,
    content: /content|text/,
    old: /old|find|search|from/,
    new: /new|replace|to/,
    command: /command|cmd/,
  }
  const args = Object.entries(wanted).map(([key, value]) => [
    known.includes(key) ? key : (known.find((each) => like[key]?.test(each)) ?? key),
    value,
  ])
  return { name, args: Object.fromEntries(args) as object }
}
