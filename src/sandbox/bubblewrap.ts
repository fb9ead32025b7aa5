/** Builds the command line of bubblewrap, which decides what a command can read and write on this machine. */
import { isBelow } from './toolchains.ts'

export interface BubblewrapConfig {
  /** The path of `bwrap`. */
  readonly program: string
  /** The workspace. Except for `own`, commands can write only there. */
  readonly dir: string
  /** The workspace's `.git`, mounted read-only; null if it is writable, or if there is none. */
  readonly git: string | null
  /** Folders of this sandbox alone, mounted as HOME, /tmp and /dev/shm. */
  readonly own: { readonly home: string; readonly tmp: string; readonly shm: string }
  /** Absolute paths outside of the system folders that commands can read. Missing paths are left out. */
  readonly readable: readonly string[]
  /** Absolute paths that commands can read. If one is missing, no command starts. */
  readonly read_only: readonly string[]
  /** Readable paths to mask, because only their owner may read them. */
  readonly hidden: readonly { readonly path: string; readonly folder: boolean }[]
  /** The file of the name server, if it is outside of the system folders. */
  readonly resolver: string | null
  readonly network: boolean
  readonly env: Readonly<Record<string, string>>
}

/** The folders of the system's programs. Everything else (homes, /run with its sockets, /var, /srv, …) does not exist for a command. */
const systemPaths = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/etc',
  '/opt',
  '/nix',
  '/gnu',
  '/sys/devices/system/cpu',
]

/** The file descriptor on which bubblewrap reports the process id of the command. */
export const INFO_FD = 3

/** Returns the argv that runs `command` in bubblewrap. */
export function bubblewrapArgv(config: BubblewrapConfig, command: readonly string[]): string[] {
  const binds = bindMounts(config)
  return [
    [
      config.program,
      '--die-with-parent',
      '--new-session',
      '--unshare-all',
      ...(config.network ? ['--share-net'] : []),
      '--cap-drop',
      'ALL',
    ],
    ['--clearenv', ...Object.entries(config.env).flatMap(([name, value]) => ['--setenv', name, value])],
    systemPaths.flatMap((path) => ['--ro-bind-try', path, path]),
    config.hidden.flatMap(({ path, folder }) => (folder ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path])),
    // Root owns the kernel's settings in any namespace, so it could write them here.
    ['--proc', '/proc', '--remount-ro', '/proc'],
    ['--dev', '/dev', '--dir', '/run'],
    scratchMounts(config.own, binds),
    binds.flatMap(({ option, path }) => [option, path, path]),
    ['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', config.dir, '--info-fd', String(INFO_FD), '--', ...command],
  ].flat()
}

/**
 * Returns the mounts of the temporary folders. If another mount is below such a folder, the folder is new for each command. In a folder
 * that stays, a command could replace a part of that path by a link. That would redirect the mounts of the next command.
 */
function scratchMounts(own: BubblewrapConfig['own'], binds: readonly Bind[]): string[] {
  const mounts = [
    { mountPoint: '/tmp', source: own.tmp },
    { mountPoint: '/var/tmp', source: own.tmp },
    { mountPoint: '/dev/shm', source: own.shm },
  ]
  return mounts.flatMap(({ mountPoint, source }) =>
    binds.some(({ path }) => isBelow(path, mountPoint)) ? ['--tmpfs', mountPoint] : ['--bind', source, mountPoint],
  )
}

interface Bind {
  readonly option: string
  readonly path: string
}

/** Returns the mounts with parents first, so that a mount below another keeps its own access. */
function bindMounts(config: BubblewrapConfig): Bind[] {
  const binds = [
    ...config.readable
      .filter((path) => !systemPaths.some((mountPoint) => isBelow(path, mountPoint)))
      .map((path) => ({ option: '--ro-bind-try', path })),
    ...(config.resolver === null || !config.network ? [] : [{ option: '--ro-bind-try', path: config.resolver }]),
    ...config.read_only.map((path) => ({ option: '--ro-bind', path })),
    { option: '--bind', path: config.own.home },
    { option: '--bind', path: config.own.tmp },
    { option: '--bind', path: config.dir },
    ...(config.git === null ? [] : [{ option: '--ro-bind', path: config.git }]),
  ]
  return binds.toSorted((one, other) => one.path.length - other.path.length)
}
