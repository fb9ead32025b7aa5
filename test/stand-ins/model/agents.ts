/** Installs stand-ins for agents' command lines into a directory, under the names of the real programs. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The names of the programs that have a stand-in. */
export const standIns = ['hermes', 'claude', 'codex', 'opencode', 'handyman'] as const

/** Writes a script for each name. The directory belongs at the front of PATH. */
export function layAgents(dir: string, names: readonly string[] = standIns): void {
  const program = resolve(import.meta.dirname, 'main.ts')
  // The compile cache saves a third of the start time.
  const cache = resolve(import.meta.dirname, '../../../node_modules/.cache/compiled')
  for (const name of names)
    writeFileSync(join(dir, name), `#!/bin/sh\nNODE_COMPILE_CACHE='${cache}' exec '${process.execPath}' '${program}' ${name} "$@"\n`, {
      mode: 0o755,
    })
}
