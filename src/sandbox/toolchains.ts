/**
 * Finds the paths that a command in the sandbox must read to run the programs on the PATH, apart from the system folders. Many of these
 * paths are in a home directory. The command cannot read other paths there.
 */
import { readdir, realpath } from 'node:fs/promises'
import { posix } from 'node:path'
import { ifCode } from '../core/errors.ts'
import { inaccessible } from './hidden.ts'

/**
 * Version managers and language tools in a home directory. `readable` must not include files with secrets, such as `.cargo/credentials` or
 * `.npmrc`.
 */
const knownTools: readonly {
  readonly dir: string
  readonly readable: readonly string[]
  readonly env: Readonly<Record<string, string>>
}[] = [
  { dir: '.cargo/bin', readable: ['.cargo/bin', '.rustup'], env: { RUSTUP_HOME: '.rustup' } },
  { dir: '.nvm', readable: ['.nvm'], env: { NVM_DIR: '.nvm' } },
  { dir: '.fnm', readable: ['.fnm'], env: {} },
  { dir: '.volta', readable: ['.volta'], env: { VOLTA_HOME: '.volta' } },
  { dir: '.pyenv', readable: ['.pyenv'], env: { PYENV_ROOT: '.pyenv' } },
  { dir: '.rbenv', readable: ['.rbenv'], env: { RBENV_ROOT: '.rbenv' } },
  { dir: '.asdf', readable: ['.asdf'], env: { ASDF_DATA_DIR: '.asdf' } },
  { dir: '.sdkman', readable: ['.sdkman'], env: { SDKMAN_DIR: '.sdkman' } },
  { dir: '.local/share/mise', readable: ['.local/share/mise'], env: { MISE_DATA_DIR: '.local/share/mise' } },
  { dir: '.local/bin', readable: ['.local/bin', '.local/lib', '.local/pipx', '.local/share/pipx', '.local/share/uv'], env: {} },
]

/**
 * The folders next to `bin` that a program needs. `share` and `etc` are not in the list, because they may also contain people's own files.
 */
const libraryFolders = ['lib', 'lib64', 'libexec', 'include']

/** The folder of packages that are complete in one folder, such as `/opt/jdk` with `bin`, `conf` and `lib`. */
const packagesFolder = '/opt'

export interface Toolchains {
  /** Absolute paths to mount read-only. Some of them may not exist. */
  readonly readable: readonly string[]
  /** Variables that tell the tools where their real folders are, because the variable HOME names a different folder in the sandbox. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Returns the paths and variables that the programs on a PATH need. A known tool needs the folders that `knownTools` lists for it. Any
 * other entry of the PATH needs its own folder and the library folders next to it. In `/opt` it needs the whole folder of its package. The
 * result never includes a home directory, or a path of `neverShown`.
 */
export function toolchainsOf(entries: readonly string[], home: string, neverShown: readonly string[]): Toolchains {
  const matches = entries.flatMap((entry) =>
    knownTools.filter(({ dir }) => isBelow(entry, `${home}/${dir}`)).map((tool) => ({ entry, tool })),
  )
  const unknownEntries = entries.filter((entry) => !matches.some((match) => match.entry === entry))
  const readable = [
    ...matches.flatMap(({ tool }) => tool.readable.map((dir) => `${home}/${dir}`)),
    ...unknownEntries.flatMap((entry) => [entry, ...packageOf(entry), ...librariesBeside(entry, home)]),
  ]
  const closedFolders = [home, '/root', '/home', packagesFolder, ...neverShown]
  return {
    readable: [...new Set(readable)].filter((path) => !closedFolders.some((folder) => isBelow(folder, path))),
    env: Object.fromEntries(matches.flatMap(({ tool }) => Object.entries(tool.env).map(([name, dir]) => [name, `${home}/${dir}`]))),
  }
}

/** Tells whether `path` is `folder` or is inside it. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

/** Returns the folders in `/opt` to which symbolic links in the given folders lead, such as `/usr/bin/chrome` to `/opt/google/chrome/chrome`. */
export async function linkedPackages(entries: readonly string[]): Promise<string[]> {
  if ((await readdir(packagesFolder).catch(ifCode(inaccessible, []))).length === 0) return []
  const linked = entries.map(async (entry) => {
    const files = await readdir(entry, { withFileTypes: true }).catch(ifCode(inaccessible, []))
    const links = files.filter((file) => file.isSymbolicLink()).map(({ name }) => posix.join(entry, name))
    return Promise.all(links.map((link) => realpath(link).catch(ifCode(inaccessible, link))))
  })
  const targets = (await Promise.all(linked)).flat().filter((target) => isBelow(target, packagesFolder))
  return [...new Set(targets.map((target) => posix.dirname(target)))]
}

function packageOf(entry: string): string[] {
  return isBelow(entry, packagesFolder) && posix.basename(entry) === 'bin' ? [posix.dirname(entry)] : []
}

function librariesBeside(entry: string, home: string): string[] {
  const prefix = posix.dirname(entry)
  return prefix === home || prefix === '/' || posix.basename(entry) !== 'bin' ? [] : libraryFolders.map((name) => posix.join(prefix, name))
}
