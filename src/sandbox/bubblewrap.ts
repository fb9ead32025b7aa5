/** Bubblewrap's command line, as data: what a command sees of this machine, and what it may change. */
import { isBelow } from './toolchains.ts'

export interface BubblewrapConfig {
  /** bwrap itself. */
  readonly program: string
  /** The workspace: the only thing of this machine that may be changed, but for `own`. */
  readonly dir: string
  /** Its `.git`, which stays as it is; null where it may be changed, or there is none. */
  readonly git: string | null
  /** Folders of this sandbox's own: the home, and what lies at /tmp and /dev/shm. */
  readonly own: { readonly home: string; readonly tmp: string; readonly shm: string }
  /** Absolute paths beside the system that can be read; those that don't exist are left out. */
  readonly see: readonly string[]
  /** What must be readable, or nothing starts. */
  readonly read_only: readonly string[]
  /** What others than its owner may not read of what is seen. */
  readonly hidden: readonly { readonly path: string; readonly folder: boolean }[]
  /** Where the system's own name server is written, when that is out of sight. */
  readonly resolver: string | null
  readonly network: boolean
  readonly env: Readonly<Record<string, string>>
}

/** Where a system has its programs. Everything else (homes, /run with its sockets, /var, /srv, …) is not there at all. */
const system = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc', '/opt', '/nix', '/gnu', '/sys/devices/system/cpu']

/** The file descriptor on which bubblewrap says the process id of what it started. */
export const INFO_FD = 3

/** The argv that runs `words` behind the walls. */
export function bubblewrapArgv(walls: BubblewrapConfig, words: readonly string[]): string[] {
  const binds = laid(walls)
  return [
    [walls.program, '--die-with-parent', '--new-session', '--unshare-all', ...(walls.network ? ['--share-net'] : []), '--cap-drop', 'ALL'],
    ['--clearenv', ...Object.entries(walls.env).flatMap(([name, value]) => ['--setenv', name, value])],
    system.flatMap((path) => ['--ro-bind-try', path, path]),
    walls.hidden.flatMap(({ path, folder }) => (folder ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', '/dev/null', path])),
    // Root could write the kernel's settings there, for it owns them in any namespace.
    ['--proc', '/proc', '--remount-ro', '/proc'],
    ['--dev', '/dev', '--dir', '/run'],
    scratch(walls.own, binds),
    binds.flatMap(({ how, path }) => [how, path, path]),
    ['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', walls.dir, '--info-fd', String(INFO_FD), '--', ...words],
  ].flat()
}

/**
 * The folders where every program may write. Where something else is laid below one, it is a new one each time: in one that is
 * kept, a command could leave a link in place of a folder, and lead the next command's walls elsewhere.
 */
function scratch(own: BubblewrapConfig['own'], binds: readonly Bind[]): string[] {
  const places = [
    { place: '/tmp', kept: own.tmp },
    { place: '/var/tmp', kept: own.tmp },
    { place: '/dev/shm', kept: own.shm },
  ]
  return places.flatMap(({ place, kept }) =>
    binds.some(({ path }) => isBelow(path, place)) ? ['--tmpfs', place] : ['--bind', kept, place],
  )
}

interface Bind {
  readonly how: string
  readonly path: string
}

/** Parents first, so that what lies below keeps its own rights. */
function laid(walls: BubblewrapConfig): Bind[] {
  const binds = [
    ...walls.see.filter((path) => !system.some((place) => isBelow(path, place))).map((path) => ({ how: '--ro-bind-try', path })),
    ...(walls.resolver === null || !walls.network ? [] : [{ how: '--ro-bind-try', path: walls.resolver }]),
    ...walls.read_only.map((path) => ({ how: '--ro-bind', path })),
    { how: '--bind', path: walls.own.home },
    { how: '--bind', path: walls.own.tmp },
    { how: '--bind', path: walls.dir },
    ...(walls.git === null ? [] : [{ how: '--ro-bind', path: walls.git }]),
  ]
  return binds.toSorted((one, other) => one.path.length - other.path.length)
}
