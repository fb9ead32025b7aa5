/** Reads the tokens of Gemini CLI from its chat files. Facts come from running 0.61.0 against a stub model server. */
import { createHash } from 'node:crypto'
import type { UsageFiles, Use } from '../core/usage.ts'
import { countOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { asideIf, countOnce, loadRecent, messageText, recordsWith, sameModel, saveRecent, sumOf, recordTime, uncached } from './usage.ts'

/**
 * Returns the use of a message. Gemini writes a message again when it knows more of it, with the same id. Lines with `$set` repeat earlier
 * messages, and count nothing.
 */
function useOf(line: JsonObject): { readonly name: string; readonly use: Use } | null {
  const tokens = membersOf(line['tokens'])
  const [at, name, input] = [recordTime(line['timestamp']), stringOf(line['id']), countOf(tokens['input'])]
  if (line['type'] !== 'gemini' || at === null || name === null || input === null) return null
  const [cache_read, reasoning] = [countOf(tokens['cached']), countOf(tokens['thoughts'])]
  return {
    name,
    use: {
      ...sameModel(stringOf(line['model']) ?? '', 'google'),
      at,
      ids: [name],
      calls: 1,
      input: uncached(input, cache_read) + (countOf(tokens['tool']) ?? 0),
      cache_read,
      cache_write: null,
      output: sumOf(countOf(tokens['output']), reasoning) ?? 0,
      reasoning,
      reported_cost: null,
    },
  }
}

/** The chat files of Gemini CLI. The first line of a file has a hash of the working directory. */
export const geminiUsage: UsageFiles = {
  format: 'files',
  folders: ({ person, env }) => [`${env['GEMINI_CLI_HOME'] ?? person}/.gemini/tmp`],
  name: 'session-*.jsonl',
  keys: ({ dir }) => [createHash('sha256').update(dir).digest('hex')],
  keyOf: () => null,
  promptOf(line) {
    const [record = {}] = recordsWith([line], '"user"')
    return record['type'] === 'user' ? messageText(record['content']) : null
  },
  read(saved, lines) {
    const state = membersOf(saved)
    const recent = loadRecent(state['recent'])
    let key = stringOf(state['key'])
    let isAside = state['aside'] === true
    const uses = recordsWith(lines, '"projectHash"', '"tokens"').flatMap((line) => {
      key ??= stringOf(line['projectHash'])
      isAside ||= line['kind'] === 'subagent'
      const found = useOf(line)
      return (found && countOnce(found.name, { ...found.use, ...asideIf(isAside) }, recent)) ?? []
    })
    return { uses, state: { key, aside: isAside, recent: saveRecent(recent) }, ...(key === null ? {} : { key }) }
  },
}
