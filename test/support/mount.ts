/** File systems of a test's own, where it may mount: one that is small, or can't be written. */
import { spawnSync } from 'node:child_process'

/** Whether all these mounts could be made; what was made of them is undone where not. */
export function mounted(path: string, ...all: string[][]): boolean {
  const failed = all.findIndex((args) => spawnSync('mount', args).status !== 0)
  for (let made = 0; made < failed; made++) spawnSync('umount', [path])
  return failed === -1
}
