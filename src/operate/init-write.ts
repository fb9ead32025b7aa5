/** Lists the files and folders of a new fleet, for `burn init`. */
import { basename, dirname, join } from 'node:path'
import type { Git } from '../git/run.ts'
import { newFile, type NewEntry } from '../host/new-files.ts'
import type { StarterAgent, StarterForge, StarterRepo } from '../spec/starter.ts'
import { exampleRepo, makeFolderForge } from './init-forge.ts'

/** The answers from which burn writes the files. */
export interface InitAnswers {
  readonly name: string
  readonly forge: StarterForge
  readonly repos: readonly StarterRepo[]
  readonly agent: StarterAgent
  readonly panes: number
  /** A token that burn writes to its own file; null if burn writes none. */
  readonly token: string | null
  /** True if the spec may replace a file. */
  readonly replace: boolean
  /** Remarks for the person, such as a missing token. */
  readonly remarks: readonly string[]
}

/** The name of the folder with the example forge, beside the spec. */
const forgeFolder = 'forge'

/** The answers about the forge for `burn init --folder`. */
export const exampleForge = { forge: { kind: 'folder', path: forgeFolder }, repos: [exampleRepo], token: null } as const

/** Returns the files and folders of a new fleet, in the order in which burn writes them. The spec is the last one. */
export function initEntries(
  { forge, token, replace }: InitAnswers,
  spec: string,
  { spec_file, token_file }: { readonly spec_file: string; readonly token_file: string },
  git: Git,
): NewEntry[] {
  const path = join(dirname(spec_file), forgeFolder)
  const folder = { path, make: (to: string) => makeFolderForge(to, git), replace: false, folder_mode: 0o777 }
  return [
    ...(forge.kind === 'folder' ? [folder] : []),
    ...(token === null ? [] : [newFile(token_file, `${token}\n`, { mode: 0o600 })]),
    newFile(spec_file, spec, { replace }),
  ]
}

/** Returns a text as a name for the spec: other characters become hyphens. `fallback`: for a text without letters and digits. */
export function nameFrom(text: string, fallback: string): string {
  const name = text
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 64)
    .replace(/[-_]+$/, '')
  return name === '' ? fallback : name
}

/** Returns the default name of a fleet: the name of the folder with the spec. */
export function fleetNameOf(spec_file: string): string {
  return nameFrom(basename(dirname(spec_file)), 'fleet')
}
