/** Reads the names of a fleet for completion, from its spec and its ledger. It opens no fleet, because that takes too long. */
import { isAbsolute } from 'node:path'
import type { Deps } from './command.ts'
import { BurnError } from '../core/errors.ts'
import { membersOf, stringOf } from '../core/json.ts'
import { ownFiles } from '../host/own-files.ts'
import { defaults } from '../spec/defaults.ts'
import { ledgerOf } from '../spec/places.ts'
import { recentNames } from '../ledger/recent-names.ts'
import { looseSpec, writtenNames, type WrittenNames } from '../spec/written-names.ts'
import { readSpec } from './read-spec.ts'

/** A name, and a few words about it. */
interface Named {
  readonly word: string
  readonly about: string
}

/** The names of a fleet. The workers and issues have a few words about each name. */
export interface FleetNames extends Omit<WrittenNames, 'workers'> {
  readonly workers: readonly Named[]
  readonly issues: readonly Named[]
}

/** The maximum number of issues to complete. */
const maxIssues = 200

/**
 * Returns the names in the spec, and those that burn recorded in a ledger on SQLite. `option`: the file that the command line names. It
 * returns no names if there is no readable spec, and checks no spec. With `fullIssues`, issues have the form `owner/repo#7`. Otherwise issues
 * of the fleet's owner have the form `repo#7`.
 */
export async function fleetNames(
  option: string | undefined,
  deps: Pick<Deps, 'env' | 'home' | 'cwd'>,
  { fullIssues }: { readonly fullIssues: boolean },
): Promise<FleetNames> {
  const spec = looseSpec(await textOf(option, deps))
  const written = writtenNames(spec)
  const [name, ledger] = [stringOf(spec['name']), stringOf(spec['ledger'])]
  const declared = { ...(name === null ? {} : { name }), ...(ledger === null ? {} : { ledger }) }
  const path = ledgerOf(declared, { home: deps.home, ownFile: ownFiles(deps) }).replace(/^sqlite:/, '')
  const recent = isAbsolute(path) ? await recentNames(path, maxIssues) : { workers: [], issues: [] }
  const windows = new Set(written.windows)
  const prefix = `${stringOf(membersOf(spec['forge'])['owner']) ?? defaults.folderOwner}/`
  const nameOfIssue = (ref: string) => (!fullIssues && ref.startsWith(prefix) ? ref.slice(prefix.length) : ref)
  const recorded = recent.workers.filter((id) => windows.has(id.slice(0, id.lastIndexOf('/'))))
  return {
    ...written,
    workers: shortNames([...new Set([...written.workers, ...recorded])]),
    issues: recent.issues.map(({ ref, title }) => ({ word: nameOfIssue(ref), about: title })),
  }
}

/** Returns the names of workers without machine and window, unless several workers have the name. */
function shortNames(ids: readonly string[]): Named[] {
  const parts = ids.map((id) => ({ id, name: id.slice(id.lastIndexOf('/') + 1), window: id.slice(0, id.lastIndexOf('/')) }))
  const counts = Map.groupBy(parts, ({ name }) => name)
  return parts.map(({ id, name, window }) => ({ word: counts.get(name)?.length === 1 ? name : id, about: window }))
}

async function textOf(option: string | undefined, deps: Pick<Deps, 'env' | 'home' | 'cwd'>): Promise<string> {
  try {
    return (await readSpec(option, deps)).text
  } catch (thrown) {
    if (thrown instanceof BurnError) return ''
    throw thrown
  }
}
