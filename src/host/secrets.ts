/** Reads secrets from the source that the spec names, when burn needs them. No error message contains a secret. */
import { open } from 'node:fs/promises'
import type { SecretSource } from '../core/secret-source.ts'
import { BurnError, codeOf } from '../core/errors.ts'
import { runProcess } from './exec.ts'

/** The home directory and the environment of the person who runs burn. */
export interface SecretDeps {
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** `token`: no spaces. `header`: the value of an HTTP header, which may contain spaces, such as `Basic YWRhOnB3`. */
export type SecretForm = 'token' | 'header'

const commandLimit = 30_000

/**
 * Returns the secret. Throws BurnError `secret_*` (exit 2), whose hint says what to fix. The error never contains the secret, nor the
 * output of the command that prints it.
 */
export async function readSecret(source: SecretSource, { home, env }: SecretDeps, form: SecretForm = 'token'): Promise<string> {
  if ('env' in source && source.env !== undefined) return validSecret(env[source.env] ?? '', `the environment variable ${source.env}`, form)
  if ('command' in source && source.command !== undefined) return fromCommand(source.command, form)
  if ('file' in source && source.file !== undefined) return fromFile(source.file.replace(/^~(?=\/)/, home), form)
  throw new BurnError('secret_missing', 'the spec does not say where the token is', 'write "token": { "file": "…" } in the spec', {
    exit: 2,
  })
}

/** Returns the values of HTTP headers, by name. Throws the errors of `read`. */
export async function readHeaders(
  headers: Readonly<Record<string, SecretSource>>,
  read: (source: SecretSource, form: SecretForm) => Promise<string>,
): Promise<Readonly<Record<string, string>>> {
  const pairs = Object.entries(headers).map(async ([name, source]) => [name, await read(source, 'header')] as const)
  return Object.fromEntries(await Promise.all(pairs))
}

async function fromFile(path: string, form: SecretForm): Promise<string> {
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
    return validSecret(await file.readFile('utf8'), `the token file ${path}`, form)
  } finally {
    await file.close()
  }
}

async function fromCommand(argv: readonly string[], form: SecretForm): Promise<string> {
  const { code, stdout, stopped } = await runProcess(argv, { timeout_ms: commandLimit })
  const name = argv[0] ?? ''
  if (stopped !== null || code !== 0) {
    const how = stopped === null ? `ended with ${code === null ? 'a signal' : `status ${code}`}` : 'did not end in time'
    throw new BurnError('secret_command', `the token command ${name} ${how}`, `run the command yourself, and read its errors: ${name} …`, {
      exit: 2,
    })
  }
  return validSecret(stdout, `the output of ${name}`, form)
}

/** An HTTP header can't contain other characters. */
const forms: Readonly<Record<SecretForm, RegExp>> = { token: /^[\x21-\x7e]+$/, header: /^[\x20-\x7e]+$/ }

function validSecret(text: string, source: string, form: SecretForm): string {
  const secret = text.trim()
  if (secret === '') throw new BurnError('secret_empty', `${source} is empty`, `put the ${form} there`, { exit: 2 })
  if (forms[form].test(secret)) return secret
  // A second line shows that the source contains more than the secret.
  const [what, hint] = form === 'token' ? ['a token', 'the token'] : ['the value of a header', 'the value']
  throw new BurnError('secret_malformed', `${source} contains more than ${what}`, `put only ${hint} there, on one line`, { exit: 2 })
}
