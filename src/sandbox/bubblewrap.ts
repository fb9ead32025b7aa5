/** Builds the bubblewrap command line, which determines the files that a command can read and write. */
import { existsSync } from 'node:fs'
import { shellWord } from '../host/quote.ts'
import type { HiddenPath } from './hidden.ts'
import { isBelow } from './toolchains.ts'

export interface BubblewrapConfig {
  /** The path of `bwrap`. */
  readonly program: string
  /** The workspace. Commands can write only to this folder and to those in `own`. */
  readonly dir: string
  /** The file or folder that commands see as the workspace's `.git`, read-only. Null if the workspace has no `.git`. */
  readonly git: string | null
  /** The repository that a command may change; null if the command may change none. */
  readonly writable_git: string | null
  /** Folders that only this sandbox uses. They are mounted as HOME, /tmp and /dev/shm. */
  readonly own: { readonly home: string; readonly tmp: string; readonly shm: string }
  /** The maximum size of each temporary folder that is in memory (bytes). */
  readonly scratch_bytes: number
  /** Absolute paths outside the system folders that commands can read. Missing paths are ignored. */
  readonly readable: readonly string[]
  /** Absolute paths that commands can read. If one of them is missing, bubblewrap starts no command. */
  readonly read_only: readonly string[]
  /** Paths inside the readable folders that the sandbox hides. */
  readonly hidden: readonly HiddenPath[]
  /** The file that names the DNS servers, if it is outside the system folders. */
  readonly resolver: string | null
  /** The file with the seccomp filter. Commands must not be able to write to it. */
  readonly filter: string
  readonly network: boolean
  /** More mounts below /run, as arguments of bubblewrap. */
  readonly mounts: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The system folders that have programs. All other folders (homes, /run with its sockets, /var, /opt, …) do not exist in the sandbox. */
const systemPaths = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/nix', '/gnu', '/sys/devices/system/cpu']

/** The kernel's lists of keys, which name the keys of the user who runs burn. */
const keyLists = ['/proc/keys', '/proc/key-users'].map((path) => ({ path, folder: false }))

/** The file descriptor to which bubblewrap writes the process id of the command. */
export const INFO_FD = 3
/** The file descriptor from which bubblewrap reads the seccomp filter. */
const FILTER_FD = 4

/** Returns the shell's redirection that opens the filter for bubblewrap. If the file is missing, the shell exits and runs nothing. */
export function filterRedirection({ filter }: Pick<BubblewrapConfig, 'filter'>): string {
  return `${FILTER_FD}<${shellWord(filter)}`
}

/** Returns the argv that runs `command` inside bubblewrap. */
export function bubblewrapArgv(config: BubblewrapConfig, command: readonly string[]): string[] {
  // bubblewrap starts no command if a path is missing, and somebody may have deleted a hidden file in the meantime.
  const hidden = [...keyLists, ...config.hidden].filter(({ path }) => existsSync(path))
  const binds = bindMounts({ ...config, hidden })
  return [
    [
      config.program,
      '--die-with-parent',
      '--new-session',
      '--unshare-all',
      ...(config.network ? ['--share-net'] : []),
      '--cap-drop',
      'ALL',
      '--seccomp',
      String(FILTER_FD),
    ],
    ['--clearenv', ...Object.entries(config.env).flatMap(([name, value]) => ['--setenv', name, value])],
    systemPaths.flatMap((path) => ['--ro-bind-try', path, path]),
    // Root owns the kernel settings in /proc/sys in every namespace, so a command that runs as root could change them if /proc were
    // writable.
    ['--proc', '/proc', '--remount-ro', '/proc'],
    ['--dev', '/dev', '--dir', '/run', ...config.mounts],
    scratchMounts(config, binds),
    binds.flatMap(({ arguments: words }) => words),
    // A mount can be inside a hidden folder, so the folder is writable until all mounts exist.
    hidden.flatMap(({ path, folder }) => (folder ? ['--remount-ro', path] : [])),
    ['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', config.dir, '--info-fd', String(INFO_FD), '--', ...command],
  ].flat()
}

/**
 * Returns the mounts of the temporary folders. If another mount is below such a folder, the folder is new for each command. If the folder
 * persisted, a command could replace a part of the mount's path with a symbolic link, and so redirect the mount for the next command.
 */
function scratchMounts({ own, scratch_bytes }: BubblewrapConfig, binds: readonly Bind[]): string[] {
  const mounts = [
    { mountPoint: '/tmp', source: own.tmp },
    { mountPoint: '/var/tmp', source: own.tmp },
    { mountPoint: '/dev/shm', source: own.shm },
  ]
  return mounts.flatMap(({ mountPoint, source }) =>
    binds.some(({ path }) => isBelow(path, mountPoint))
      ? ['--size', String(scratch_bytes), '--tmpfs', mountPoint]
      : ['--bind', source, mountPoint],
  )
}

interface Bind {
  readonly path: string
  /** The arguments of bubblewrap. */
  readonly arguments: readonly string[]
}

/** Returns the mounts, parents first, so that a mount inside another mount keeps its own access mode. */
function bindMounts(config: BubblewrapConfig): Bind[] {
  const bind = (option: string, path: string, source = path): Bind => ({ path, arguments: [option, source, path] })
  const binds = [
    ...config.readable
      .filter((path) => !systemPaths.some((mountPoint) => isBelow(path, mountPoint)))
      .map((path) => bind('--ro-bind-try', path)),
    ...config.hidden.map(({ path, folder }) => ({ path, arguments: folder ? ['--tmpfs', path] : ['--ro-bind', '/dev/null', path] })),
    ...(config.resolver === null || !config.network ? [] : [bind('--ro-bind-try', config.resolver)]),
    ...config.read_only.map((path) => bind('--ro-bind', path)),
    bind('--bind', config.own.home),
    bind('--bind', config.own.tmp),
    bind('--bind', config.dir),
    ...(config.git === null ? [] : [bind('--ro-bind', `${config.dir}/.git`, config.git)]),
    ...(config.writable_git === null ? [] : [bind('--bind', config.writable_git)]),
  ]
  return binds.toSorted((one, other) => one.path.length - other.path.length)
}
