/** Reads the tokens of Claude Code from its session files. Facts come from running 2.1.332 against a stub model server. */
import type { UsageFiles, Use } from '../core/usage.ts'
import { countOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { asideIf, inSession, countOnce, loadRecent, messageText, recordsWith, saveRecent, sumOf, recordTime } from './usage.ts'

/** Returns the name of a folder below `projects`: the working directory with `-` for each other character. */
export const folderOf = (dir: string) => dir.replaceAll(/[^A-Za-z0-9]/g, '-')

/**
 * Returns the use of one line. An answer of several content blocks has one line for each block, with the same ids and the usage of the whole
 * answer. A fork of a session repeats the earlier answers with their ids and times. A side chain may repeat an answer of the main chain
 * under another request id, so for a side chain the message id alone decides.
 */
function useOf(line: JsonObject): { readonly name: string; readonly use: Use } | null {
  const message = membersOf(line['message'])
  const usage = membersOf(message['usage'])
  const [at, id, output] = [recordTime(line['timestamp']), stringOf(message['id']), countOf(usage['output_tokens'])]
  if (line['type'] !== 'assistant' || at === null || id === null || output === null) return null
  const request = stringOf(line['requestId']) ?? stringOf(line['requestRef']) ?? ''
  const answered = stringOf(message['model']) ?? ''
  // Claude Code writes such a line itself, for example after an error.
  if (answered === '<synthetic>') return null
  const name = `${id} ${request}`
  return {
    name,
    use: {
      at,
      ids: line['isSidechain'] === true ? [id, name] : [name, id],
      provider: 'anthropic',
      model_asked: stringOf(line['requestedModel']) ?? answered,
      model_answered: answered,
      subscription: null,
      calls: 1,
      input: countOf(usage['input_tokens']) ?? 0,
      cache_read: countOf(usage['cache_read_input_tokens']),
      cache_write: countOf(usage['cache_creation_input_tokens']),
      output,
      reasoning: sumOf(countOf(membersOf(usage['output_tokens_details'])['thinking_tokens'])),
      reported_cost: null,
      ...inSession(stringOf(line['sessionId'])),
      ...asideIf(line['isSidechain'] === true),
    },
  }
}

/** The session files of Claude Code: one folder for each working directory. */
export const claudeUsage: UsageFiles = {
  format: 'files',
  folders: ({ person, env }) => [`${env['CLAUDE_CONFIG_DIR'] ?? `${person}/.claude`}/projects`],
  name: '*.jsonl',
  keys: ({ dir }) => [folderOf(dir)],
  keyOf: (path) => /\/projects\/([^/]+)\//.exec(path)?.[1] ?? '',
  promptOf(line) {
    const [record = {}] = recordsWith([line], '"user"', '"queued_command"')
    if (record['isSidechain'] === true) return null
    // Claude Code passes a text that it received during a turn to the model as an attachment.
    const attachment = membersOf(record['attachment'])
    if (attachment['type'] === 'queued_command') return messageText(attachment['prompt'])
    return record['type'] === 'user' ? messageText(membersOf(record['message'])['content']) : null
  },
  read(state, lines) {
    const recent = loadRecent(state)
    const uses = recordsWith(lines, '"usage"').flatMap((line) => {
      const found = useOf(line)
      return (found && countOnce(found.name, found.use, recent)) ?? []
    })
    return { uses, state: saveRecent(recent) }
  },
}
