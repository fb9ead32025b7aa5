/** A mirror's configuration: what stands in it is decided here, however it came to be otherwise. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mirror } from './places.ts'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError } from './failure.ts'

/** It names no remote, filter or program: what is pushed is pushed from here, and nothing is run. */
export const mirrorConfig = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n'

/** An agent without a sandbox may write there too. Others may be reading it: it is there whole, the old one or the new one. */
export async function keepConfig({ path }: Mirror): Promise<void> {
  const file = join(path, 'config')
  try {
    if ((await readFile(file, 'utf8').catch(ifCode(noSuchPath, null))) === mirrorConfig) return
    await writeFile(`${file}.${process.pid}`, mirrorConfig)
    await rename(`${file}.${process.pid}`, file)
  } catch (thrown) {
    // Where the mirror itself is gone, git says so.
    if (codeOf(thrown) !== 'ENOENT') throw diskError(thrown)
  }
}
