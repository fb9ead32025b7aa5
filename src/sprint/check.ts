/** The repo's own check: which command it is, and how it ended. */
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Read in this order; the first that is there says the command. */
const known: readonly { readonly file: string; readonly command: string; readonly when?: (text: string) => boolean }[] = [
  { file: 'package.json', command: 'npm test', when: hasTestScript },
  { file: 'Cargo.toml', command: 'cargo test' },
  { file: 'go.mod', command: 'go test ./...' },
  { file: 'pytest.ini', command: 'python3 -m pytest -q' },
  { file: 'pyproject.toml', command: 'python3 -m pytest -q', when: (text) => /pytest/.test(text) },
  { file: 'tox.ini', command: 'python3 -m pytest -q', when: (text) => /pytest/.test(text) },
  { file: 'Makefile', command: 'make test', when: (text) => /^test\s*:(?!=)/m.test(text) },
  { file: 'makefile', command: 'make test', when: (text) => /^test\s*:(?!=)/m.test(text) },
  { file: 'mix.exs', command: 'mix test' },
  { file: 'Gemfile', command: 'bundle exec rake test' },
]

/** npm's own placeholder is no test. */
function hasTestScript(text: string): boolean {
  try {
    const { scripts } = JSON.parse(text) as { scripts?: { test?: unknown } }
    return typeof scripts?.test === 'string' && !/no test specified/.test(scripts.test)
  } catch {
    // No JSON: whoever runs npm there is told so; this repo has no check that is known.
    return false
  }
}

/** What a checkout says of itself; null where nothing is known. Asked before the model has touched it. */
export async function findCheck(dir: string): Promise<string | null> {
  for (const { file, command, when } of known) {
    const text = await readFile(join(dir, file), 'utf8').catch(() => null)
    if (text !== null && (when === undefined || when(text))) return command
  }
  const tests = await access(join(dir, 'tests', 'conftest.py')).then(
    () => true,
    () => false,
  )
  return tests ? 'python3 -m pytest -q' : null
}
