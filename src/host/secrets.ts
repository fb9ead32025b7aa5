/** Secrets: read when needed, from where the spec says they are, and said in no error. */
import { open } from 'node:fs/promises'
import type { SecretSource } from '../core/nouns.ts'
import { BurnError, codeOf } from '../core/errors.ts'
import { runProcess } from './exec.ts'

export interface SecretDeps {
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

const commandLimit = 30_000

/** The secret. Throws BurnError `secret_*` (exit 2) that says what to mend, never the secret nor what a command printed. */
export async function readSecret(source: SecretSource, { home, env }: SecretDeps): Promise<string> {
  if ('env' in source && source.env !== undefined) return whole(env[source.env] ?? '', `the environment variable ${source.env}`)
  if ('command' in source && source.command !== undefined) return fromCommand(source.command)
  if ('file' in source && source.file !== undefined) return fromFile(source.file.replace(/^~(?=\/)/, home))
  throw new BurnError('secret_missing', 'no place of the token is written', 'write "token": { "file": "…" } in the spec', { exit: 2 })
}

async function fromFile(path: string): Promise<string> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    const code = codeOf(thrown)
    const missing = code === 'ENOENT'
    throw new BurnError(
      missing ? 'secret_missing' : 'secret_unreadable',
      `the token file ${path} ${missing ? 'does not exist' : `can't be read (${code || 'unknown'})`}`,
      missing
        ? `make a token in the forge's settings, then: install -m 600 /dev/null ${path}, and write the token into it`
        : `check its owner and rights: chmod 600 ${path}`,
      { exit: 2 },
    )
  })
  try {
    const stat = await file.stat()
    const { mode, size } = stat
    if (!stat.isFile()) throw new BurnError('secret_unreadable', `${path} is not a file`, 'name the file that holds the token', { exit: 2 })
    if ((mode & 0o077) !== 0)
      throw new BurnError(
        'secret_exposed',
        `the token file ${path} can be read or written by others (mode ${(mode & 0o777).toString(8)})`,
        `chmod 600 ${path}, and consider the token known to others`,
        { exit: 2 },
      )
    if (size > 65_536)
      throw new BurnError('secret_malformed', `the token file ${path} is too large to be a token`, 'check that it is the right file', {
        exit: 2,
      })
    return whole(await file.readFile('utf8'), `the token file ${path}`)
  } finally {
    await file.close()
  }
}

async function fromCommand(argv: readonly string[]): Promise<string> {
  const { code, stdout, stopped } = await runProcess(argv, { timeout_ms: commandLimit })
  const name = argv[0] ?? ''
  if (stopped !== null || code !== 0) {
    const how = stopped === null ? `ended with ${code === null ? 'a signal' : `status ${code}`}` : 'did not end in time'
    throw new BurnError('secret_command', `the token command ${name} ${how}`, `run it yourself and see what it says: ${name} …`, {
      exit: 2,
    })
  }
  return whole(stdout, `what ${name} printed`)
}

function whole(text: string, where: string): string {
  const secret = text.trim()
  if (secret === '') throw new BurnError('secret_empty', `${where} is empty`, 'put the token there', { exit: 2 })
  // A header can't hold anything else, and a second line means that it is not a token alone.
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw new BurnError('secret_malformed', `${where} holds more than a token`, 'put the token there alone, on one line', { exit: 2 })
  return secret
}
