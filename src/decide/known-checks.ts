/** The usual command that checks a repo, by the files of the repo. */
import { membersOf } from '../core/json.ts'

/** burn runs the command of the first file that exists and whose `applies` returns true. */
export const knownChecks: readonly { readonly file: string; readonly command: string; readonly applies?: (text: string) => boolean }[] = [
  { file: 'package.json', command: 'npm test', applies: hasTestScript },
  { file: 'Cargo.toml', command: 'cargo test' },
  { file: 'go.mod', command: 'go test ./...' },
  { file: 'pytest.ini', command: 'python3 -m pytest -q' },
  { file: 'pyproject.toml', command: 'python3 -m pytest -q', applies: (text) => /pytest/.test(text) },
  { file: 'tox.ini', command: 'python3 -m pytest -q', applies: (text) => /pytest/.test(text) },
  { file: 'Makefile', command: 'make test', applies: (text) => /^test\s*:(?!=)/m.test(text) },
  { file: 'makefile', command: 'make test', applies: (text) => /^test\s*:(?!=)/m.test(text) },
  { file: 'mix.exs', command: 'mix test' },
  { file: 'Gemfile', command: 'bundle exec rake test' },
  { file: 'tests/conftest.py', command: 'python3 -m pytest -q' },
]

/** Tells whether `package.json` has a test script other than the placeholder that npm writes. */
function hasTestScript(text: string): boolean {
  try {
    const { test } = membersOf(membersOf(JSON.parse(text))['scripts'])
    return typeof test === 'string' && !/no test specified/.test(test)
  } catch {
    // If the file is not valid JSON, it defines no check.
    return false
  }
}

/** Returns the command that checks a repo; null if no file defines one. `read` returns the text of a file, or null if it does not exist. */
export async function findKnownCheck(read: (file: string) => Promise<string | null>): Promise<string | null> {
  for (const { file, command, applies } of knownChecks) {
    const text = await read(file)
    if (text !== null && (applies === undefined || applies(text))) return command
  }
  return null
}
