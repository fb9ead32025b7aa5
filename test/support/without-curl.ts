/** Makes a PATH without curl, as on a machine that has only a shell. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { scratch } from './fleet.ts'

/** Returns a folder for PATH that has a shell and `env`, and nothing else. */
export function withoutCurl(t: Pick<TestContext, 'after'>): string {
  const dir = join(scratch(t), 'bin')
  mkdirSync(dir)
  for (const name of ['sh', 'env'])
    symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(dir, name))
  return dir
}
