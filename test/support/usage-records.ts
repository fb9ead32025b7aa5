/** Usage that real agent programs recorded in a few turns with a model server on loopback, and the tokens that this server counted. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const folder = join(import.meta.dirname, '../agents/usage-records')

/** The tokens that the model server counted. `output` includes reasoning. */
export interface Counted {
  readonly calls: number
  readonly input: number
  readonly cache_read: number | null
  readonly output: number
}

/**
 * The counts of the model server for each recording. The recording of OpenCode lacks the two requests for titles, because OpenCode records no
 * tokens of such requests.
 */
export const served: Readonly<Record<string, Counted>> = {
  claude: { calls: 4, input: 4070, cache_read: 907, output: 210 },
  codex: { calls: 3, input: 3126, cache_read: 612, output: 190 },
  gemini: { calls: 3, input: 3189, cache_read: 618, output: 188 },
  qwen: { calls: 4, input: 4350, cache_read: 938, output: 272 },
  pi: { calls: 4, input: 4462, cache_read: 633, output: 288 },
  opencode: { calls: 9, input: 8841, cache_read: 1269, output: 494 },
  hermes: { calls: 12, input: 11886, cache_read: 1801, output: 590 },
}

/** The time of the first record in the recordings. */
const recorded = Date.parse('2026-11-27T17:41:00Z')

/** Returns the files of a recording as texts, oldest first. The agent worked in `dir`, and its first turn began about `at`. */
export function recordings(kind: string, dir: string, at: number): string[] {
  const shift = at - recorded
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${kind}.`) || name.startsWith(`${kind}-`))
    .toSorted()
    .map((name) =>
      readFileSync(join(folder, name), 'utf8')
        .replaceAll(`@DIR@/${kind}.one`, dir)
        .replaceAll(/"projectHash":"\w+"/g, `"projectHash":"${createHash('sha256').update(dir).digest('hex')}"`)
        .replaceAll(/2026-11-27T17:4\d:\d\d\.\d{3}Z/g, (time) => new Date(Date.parse(time) + shift).toISOString())
        .replaceAll(/\b17958\d{8}\b/g, (time) => String(Number(time) + shift))
        .replaceAll(/\b17958\d{5}\.\d+/g, (time) => String(Number(time) + shift / 1000)),
    )
}

/** Returns the paths below the home directory at which the agent keeps the files of a recording. */
export function recordPaths(kind: string, dir: string, name: string): string[] {
  const folderName = dir.replaceAll(/[^A-Za-z0-9]/g, '-')
  const paths: Readonly<Record<string, readonly string[]>> = {
    claude: [`.claude/projects/${folderName}/one.jsonl`, `.claude/projects/${folderName}/two.jsonl`],
    codex: ['.codex/sessions/2026/11/27/rollout-1.jsonl'],
    gemini: ['.gemini/tmp/slug/chats/session-1.jsonl'],
    qwen: [`.qwen/projects/${folderName}/chats/1.jsonl`],
    pi: [`.pi/agent/sessions/-${dir.replaceAll('/', '-')}--/1.jsonl`],
    opencode: ['.local/share/opencode/opencode.db'],
    hermes: [`.hermes/profiles/${name}/state.db`],
  }
  return [...(paths[kind] ?? [])]
}

/** Writes a file of a recording. A text of SQL becomes a database. */
export function writeRecord(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  if (!path.endsWith('.db')) return writeFileSync(path, text, { mode: 0o600 })
  const db = new DatabaseSync(path)
  db.exec('pragma journal_mode = wal')
  db.exec(text)
  db.close()
}
