/** Tries the sandbox before anything is claimed, in a workspace of its own. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SprintContext } from './context.ts'
import { openSandbox } from '../sandbox/open.ts'

type Ports = Pick<SprintContext, 'policy' | 'env' | 'home'>

/** Opens a sandbox in a new folder below `sprint.dir`, removes the folder and returns what holds commands. Throws BurnError `sandbox_*`, and Node's error if the folder can't be made. */
export async function trySandbox({ policy, env, home }: Ports): Promise<{ readonly why: string }> {
  await mkdir(policy.dir, { recursive: true, mode: 0o700 })
  const own = await mkdtemp(join(policy.dir, 'probe-'))
  try {
    const dir = join(own, 'work')
    await mkdir(dir)
    return await openSandbox(policy.sandbox, { dir, read_only: [], own_dir: join(own, 'private'), env, home })
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** Throws BurnError `sandbox_*` if sprints must be confined and can't be. */
export async function requireSandbox(context: Ports): Promise<void> {
  if (context.policy.sandbox.use === 'require') await trySandbox(context)
}
