/** Finds burn's own files on this computer: in the XDG folders, or in the default folders below the home directory. */
import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { OwnFile } from '../spec/places.ts'
import type { Env } from './proxy.ts'

/** For each kind of file the variable with its XDG folder, and the default folder. Source: the XDG Base Directory Specification. */
const folders = {
  config: { variable: 'XDG_CONFIG_HOME', fallback: '.config' },
  state: { variable: 'XDG_STATE_HOME', fallback: '.local/state' },
} as const

/**
 * Returns a function that finds a file. It prefers the XDG folder. It returns the default folder if only that folder has the file, because
 * an empty ledger beside the old one would give every issue again. As the specification demands, it ignores a relative XDG folder.
 */
export function ownFiles({ env, home }: { readonly env: Env; readonly home: string }): OwnFile {
  return (kind, name) => {
    const { variable, fallback } = folders[kind]
    const folder = env[variable] ?? ''
    const before = join(home, fallback, 'burn-fleet', name)
    if (!isAbsolute(folder)) return before
    const path = join(folder, 'burn-fleet', name)
    return !existsSync(path) && existsSync(before) ? before : path
  }
}
