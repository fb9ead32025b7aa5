/** Mounts small or read-only file systems, if the test may. */
import { spawnSync } from 'node:child_process'

/** Makes mounts, and returns whether all succeeded. If one fails, it undoes the others. */
export function mounted(path: string, ...all: string[][]): boolean {
  const failed = all.findIndex((args) => spawnSync('mount', args).status !== 0)
  for (let made = 0; made < failed; made++) spawnSync('umount', [path])
  return failed === -1
}
