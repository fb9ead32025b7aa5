/** Finds and reads the spec file of a command. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Deps } from './command.ts'
import { BurnError, codeOf } from '../core/errors.ts'
import { ownFiles } from '../host/own-files.ts'

/**
 * Returns the spec's text and path. Reads the file that `option` or `$BURN_SPEC` names, else the file in the working directory, else the
 * file in burn's configuration folder. Throws BurnError `spec_missing` or `spec_unreadable` (exit 2).
 */
export async function readSpec(
  option: string | undefined,
  { env, home, cwd }: Pick<Deps, 'env' | 'home' | 'cwd'>,
): Promise<{ file: string; text: string }> {
  const named = option ?? env['BURN_SPEC']
  const places =
    named === undefined ? [resolve(cwd, 'fleet-spec.json'), ownFiles({ env, home })('config', 'fleet-spec.json')] : [resolve(cwd, named)]
  for (const file of places) {
    try {
      return { file, text: await readFile(file, 'utf8') }
    } catch (thrown) {
      const code = codeOf(thrown)
      if (code !== 'ENOENT')
        throw new BurnError('spec_unreadable', `${file} can't be read: ${code || String(thrown)}`, 'check the file and its permissions', {
          exit: 2,
        })
    }
  }
  throw new BurnError(
    'spec_missing',
    `there is no fleet spec at ${places.join(' or ')}`,
    'write a spec with burn init, or name its file with --spec',
    { exit: 2 },
  )
}
