/** Reads secrets from the source that the spec names, when burn needs them. No error message contains a secret. */
import { open } from 'node:fs/promises'
import type { SecretSource } from '../core/nouns.ts'
import { BurnError, codeOf } from '../core/errors.ts'
import { runProcess } from './exec.ts'

/** The home directory and the environment of the person who runs burn. */
export interface SecretDeps {
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

const commandLimit = 30_000

/**
 * Returns the secret. Throws BurnError `secret_*` (exit 2), whose hint says what to fix. The error never contains the secret, nor the
 * output of the command that prints it.
 */
export async function readSecret(source: SecretSource, { home, env }: SecretDeps): Promise<string> {
  if ('env' in source && source.env !== undefined) return validSecret(env[source.env] ?? '', `the environment variable ${source.env}`)
  if ('command' in source && source.command !== undefined) return fromCommand(source.command)
  if ('file' in source && source.file !== undefined) return fromFile(source.file.replace(/^~(?=\/)/, home))
  throw new BurnError('secret_missing', 'the spec does not say where the token is', 'write "token": { "file": "…" } in the spec', {
    exit: 2,
  })
}

async function fromFile(path: string): Promise<string> {
  const file = await open(path, 'r').catch((thrown: unknown) => {
    const code = codeOf(thrown)
    const missing = code === 'ENOENT'
    throw new BurnError(
      missing ? 'secret_missing' : 'secret_unreadable',
      `the token file ${path} ${missing ? 'does not exist' : `can't be read (${code || 'unknown'})`}`,
      missing
        ? `create a token in the forge's settings, then: install -m 600 /dev/null ${path}, and write the token into it`
        : `check the owner and the mode of the file: chmod 600 ${path}`,
      { exit: 2 },
    )
  })
  try {
    const stat = await file.stat()
    const { mode, size } = stat
    if (!stat.isFile())
      throw new BurnError('secret_unreadable', `${path} is not a file`, 'name the file that contains the token', { exit: 2 })
    if ((mode & 0o077) !== 0)
      throw new BurnError(
        'secret_exposed',
        `the token file ${path} can be read or written by other users (mode ${(mode & 0o777).toString(8)})`,
        `chmod 600 ${path}; replace the token if other people use this machine`,
        { exit: 2 },
      )
    if (size > 65_536)
      throw new BurnError(
        'secret_malformed',
        `the token file ${path} is too large to be a token`,
        'check that the spec names the right file',
        {
          exit: 2,
        },
      )
    return validSecret(await file.readFile('utf8'), `the token file ${path}`)
  } finally {
    await file.close()
  }
}

async function fromCommand(argv: readonly string[]): Promise<string> {
  const { code, stdout, stopped } = await runProcess(argv, { timeout_ms: commandLimit })
  const name = argv[0] ?? ''
  if (stopped !== null || code !== 0) {
    const how = stopped === null ? `ended with ${code === null ? 'a signal' : `status ${code}`}` : 'did not end in time'
    throw new BurnError('secret_command', `the token command ${name} ${how}`, `run the command yourself, and read its errors: ${name} …`, {
      exit: 2,
    })
  }
  return validSecret(stdout, `the output of ${name}`)
}

function validSecret(text: string, source: string): string {
  const secret = text.trim()
  if (secret === '') throw new BurnError('secret_empty', `${source} is empty`, 'put the token there', { exit: 2 })
  // An HTTP header can't contain other characters. A second line shows that the source contains more than the token.
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw new BurnError('secret_malformed', `${source} contains more than a token`, 'put only the token there, on one line', { exit: 2 })
  return secret
}
