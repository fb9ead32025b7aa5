/**
 * Queries the SQLite databases in which agents record usage. On this machine burn uses Node's own SQLite. On other machines it uses Python,
 * which Hermes needs, too.
 */
import { existsSync } from 'node:fs'
import type { Machine } from '../core/nouns.ts'
import type { DatabaseAnswer, DatabaseQuery } from '../core/usage.ts'
import { itemsOf, membersOf, parseJson, stringOf } from '../core/json.ts'
import { messageOf } from '../core/errors.ts'
import { runOn } from './run-on.ts'

const timeout = 60_000
/** The time (ms) for which a query waits for a lock. */
const lockTimeout = 2_000

/** Reads the queries as JSON from stdin, and prints the answers as JSON. */
const pythonScript = `
import json, os, sqlite3, sys
def answer(path, queries, since):
    if not os.path.exists(path): return None
    failure = ''
    try:
        db = sqlite3.connect('file:' + path.replace('%', '%25').replace('?', '%3f').replace('#', '%23') + '?mode=ro', uri=True, timeout=${lockTimeout / 1000})
        db.row_factory = sqlite3.Row
        for query in queries:
            try: return {'rows': [dict(row) for row in db.execute(query, (since,))]}
            except sqlite3.Error as error: failure = str(error)
    except sqlite3.Error as error: failure = str(error)
    return {'failure': failure}
print(json.dumps([answer(**each) for each in json.load(sys.stdin)]))
`

/** The words, for a shell, of the Python programs that may have the module sqlite3: of the system, and the ones of Hermes. */
export const pythons = `python3 "$(sed -n '1s/^#! *\\([^ ]*python[^ ]*\\).*/\\1/p' "$(command -v hermes)" 2>/dev/null)" "$HOME/.hermes/hermes-agent/venv/bin/python"`

/**
 * Runs $1 with the first Python that has the module sqlite3: of the system, or the one that Hermes' launcher names. If there is none, prints
 * those of the other arguments that are existing files.
 */
const findPython = `for python in ${pythons}; do
  [ -n "$python" ] && "$python" -c 'import sqlite3' </dev/null 2>/dev/null && exec "$python" -c "$1"
done
shift
for path; do [ -e "$path" ] && printf '%s\\n' "$path"; done
exit 127`

/** Returns the answer of each database; null if the machine did not answer. Throws BurnError `control_dir`. */
export async function queryDatabases(
  machine: Pick<Machine, 'transport'>,
  queries: readonly DatabaseQuery[],
): Promise<DatabaseAnswer[] | null> {
  if (machine.transport.kind === 'local') return queries.map(queryHere)
  const input = JSON.stringify(queries)
  const { code, stdout } = await runOn(machine, ['sh', '-c', findPython, 'burn', pythonScript, ...queries.map(({ path }) => path)], {
    timeout_ms: timeout,
    input,
  })
  if (code === 127) {
    const existing = new Set(stdout.split('\n'))
    return queries.map(({ path }) => (existing.has(path) ? { failure: 'the machine has no Python 3 with the module sqlite3' } : null))
  }
  const answers = itemsOf(parseJson(stdout)?.value)
  return answers.length === queries.length ? answers.map(answerOf) : null
}

function answerOf(value: unknown): DatabaseAnswer {
  if (value === null) return null
  const { rows, failure } = membersOf(value)
  return Array.isArray(rows) ? { rows: rows.map(membersOf) } : { failure: stringOf(failure) ?? 'unknown' }
}

function queryHere({ path, queries, since }: DatabaseQuery): DatabaseAnswer {
  if (!existsSync(path)) return null
  // An import would load SQLite at the start of every command.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
  let failure = ''
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: lockTimeout })
    try {
      for (const query of queries) {
        try {
          return { rows: db.prepare(query).all(since) }
        } catch (thrown) {
          failure = messageOf(thrown)
        }
      }
    } finally {
      db.close()
    }
  } catch (thrown) {
    failure = messageOf(thrown)
  }
  return { failure }
}
