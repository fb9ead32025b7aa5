/** What a command must see beside the system: the programs that the PATH leads to, and nothing else of a home. */
import { posix } from 'node:path'

/** Version managers and language tools that live in a home. What has secrets of its own (`.cargo/credentials`, `.npmrc`) is not among `see`. */
const known: readonly { readonly dir: string; readonly see: readonly string[]; readonly env: Readonly<Record<string, string>> }[] = [
  { dir: '.cargo/bin', see: ['.cargo/bin', '.rustup'], env: { RUSTUP_HOME: '.rustup' } },
  { dir: '.nvm', see: ['.nvm'], env: { NVM_DIR: '.nvm' } },
  { dir: '.fnm', see: ['.fnm'], env: {} },
  { dir: '.volta', see: ['.volta'], env: { VOLTA_HOME: '.volta' } },
  { dir: '.pyenv', see: ['.pyenv'], env: { PYENV_ROOT: '.pyenv' } },
  { dir: '.rbenv', see: ['.rbenv'], env: { RBENV_ROOT: '.rbenv' } },
  { dir: '.asdf', see: ['.asdf'], env: { ASDF_DATA_DIR: '.asdf' } },
  { dir: '.sdkman', see: ['.sdkman'], env: { SDKMAN_DIR: '.sdkman' } },
  { dir: '.local/share/mise', see: ['.local/share/mise'], env: { MISE_DATA_DIR: '.local/share/mise' } },
  { dir: '.local/bin', see: ['.local/bin', '.local/lib', '.local/pipx', '.local/share/pipx', '.local/share/uv'], env: {} },
]

/** Where a program that is found in `<prefix>/bin` has the rest of it. Not `share` and `etc`, where people's things are too. */
const beside = ['lib', 'lib64', 'libexec', 'include']

export interface Toolchains {
  /** Absolute paths to show, read-only; some may not exist. */
  readonly see: readonly string[]
  /** What tells the tools where they live, since HOME is another. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * What the entries of a PATH need to be seen. An entry in a home that is known shows what is known of it; any other shows
 * itself and the libraries beside it. A folder that has a home, or one of `never`, in it is not shown.
 */
export function toolchainsOf(entries: readonly string[], home: string, never: readonly string[]): Toolchains {
  const rows = entries.flatMap((entry) => known.filter(({ dir }) => isBelow(entry, `${home}/${dir}`)).map((row) => ({ entry, row })))
  const others = entries.filter((entry) => !rows.some((found) => found.entry === entry))
  const see = [
    ...rows.flatMap(({ row }) => row.see.map((dir) => `${home}/${dir}`)),
    ...others.flatMap((entry) => [entry, ...librariesBeside(entry, home)]),
  ]
  const closed = [home, '/root', '/home', ...never]
  return {
    see: [...new Set(see)].filter((path) => !closed.some((place) => isBelow(place, path))),
    env: Object.fromEntries(rows.flatMap(({ row }) => Object.entries(row.env).map(([name, dir]) => [name, `${home}/${dir}`]))),
  }
}

/** Whether `path` is `place`, or lies in it. */
export function isBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(place.endsWith('/') ? place : `${place}/`)
}

function librariesBeside(entry: string, home: string): string[] {
  const prefix = posix.dirname(entry)
  return prefix === home || prefix === '/' || posix.basename(entry) !== 'bin' ? [] : beside.map((name) => posix.join(prefix, name))
}
