/** Creates control groups (version 1 or 2), if burn is in the top group of the hierarchy that it can see. */
import { randomBytes } from 'node:crypto'
import { constants, existsSync, statSync } from 'node:fs'
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { isBelow } from './toolchains.ts'

export type Resource = 'processes' | 'memory'

/** A folder in which burn can create control groups, and the resources that these groups can limit. */
export interface CgroupParent {
  readonly dir: string
  readonly limits: readonly Resource[]
}

/** How many times each limit was reached. */
export type LimitHits = Readonly<Record<Resource, number>>

/** The files of both cgroup versions: files that set a limit, and files with a line that counts how often the limit was reached. */
const files: Readonly<Record<Resource, { readonly limit: readonly string[]; readonly count: readonly (readonly [string, RegExp])[] }>> = {
  processes: { limit: ['pids.max'], count: [['pids.events', /^max (\d+)$/m]] },
  memory: {
    limit: ['memory.max', 'memory.limit_in_bytes'],
    count: [
      ['memory.events', /^oom_kill (\d+)$/m],
      ['memory.oom_control', /^oom_kill (\d+)$/m],
    ],
  },
}

/**
 * Returns the hierarchies in which this process is in the top group. Lower groups have a manager, such as systemd or a container runtime,
 * and only the manager may change them. The arguments are the contents of `/proc/self/cgroup` and `/proc/self/mountinfo`.
 */
export function cgroupParentsIn(cgroup: string, mountinfo: string): CgroupParent[] {
  const mounts = mountinfo.split('\n').map((line) => line.split(' '))
  return cgroup.split('\n').flatMap((line) => {
    const [, id = '', controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (id === '') return []
    const mount = mounts.find((fields) => {
      const [type = '', , options = ''] = fields.slice(fields.indexOf('-') + 1)
      return controllers === '' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controllers.split(',')[0] ?? '')
    })
    const dir = mount?.[4]
    if (dir === undefined || mount?.[3] !== path) return []
    const controllerNames = controllers.split(',')
    const limits = [
      ...(controllerNames.includes('pids') ? ['processes' as const] : []),
      ...(controllerNames.includes('memory') ? ['memory' as const] : []),
    ]
    return controllers === '' ? [{ dir, limits: ['processes' as const, 'memory' as const] }] : limits.length > 0 ? [{ dir, limits }] : []
  })
}

/**
 * Returns the folders in which this process can create a control group. To test a folder, creates a group in the folder. Also removes the
 * groups of burn processes that have ended.
 */
export async function findCgroupParents(): Promise<CgroupParent[]> {
  const [cgroup, mountinfo] = await Promise.all(
    ['cgroup', 'mountinfo'].map((name) => readFile(`/proc/self/${name}`, 'utf8').catch(ifCode(noSuchPath, ''))),
  )
  const parents = cgroupParentsIn(cgroup ?? '', mountinfo ?? '')
  const usable = await Promise.all(
    parents.map(async (parent) => {
      if (!(await access(parent.dir, constants.W_OK).then(returnTrue, ifCode(['EACCES', 'EPERM', 'EROFS', ...noSuchPath], false))))
        return []
      await removeOrphans(parent.dir)
      if (existsSync(`${parent.dir}/cgroup.subtree_control`))
        for (const name of ['+pids', '+memory']) await writeFile(`${parent.dir}/cgroup.subtree_control`, name).catch(ignoreSystemError)
      const dir = await mkdir(newGroupPath(parent.dir), { recursive: true }).catch(ignoreSystemError)
      if (dir === undefined) return []
      const limits = parent.limits.filter((resource) => limitFile(dir, resource) !== undefined)
      await rmdir(dir)
      return limits.length === 0 ? [] : [{ dir: parent.dir, limits }]
    }),
  )
  return usable.flat()
}

/** The control group of one command. It has one folder in each parent folder. */
export class Cgroup {
  readonly dirs: readonly string[]

  private constructor(dirs: readonly string[]) {
    this.dirs = dirs
  }

  /** Creates the group and sets its limits: the memory (bytes) and the number of processes. */
  static async create(parents: readonly CgroupParent[], max: LimitHits): Promise<Cgroup> {
    const groups = parents.map(({ dir, limits }) => ({ dir: newGroupPath(dir), limits }))
    for (const { dir, limits } of groups) {
      await mkdir(dir)
      for (const resource of limits) {
        const file = limitFile(dir, resource)
        if (file !== undefined) await writeFile(file, String(max[resource]))
      }
      // If the group runs out of memory, the kernel then kills all processes of the command, not only one.
      if (existsSync(`${dir}/memory.oom.group`)) await writeFile(`${dir}/memory.oom.group`, '1')
    }
    return new Cgroup(groups.map(({ dir }) => dir))
  }

  /** Returns how many times the command reached each limit. */
  hits(): Promise<LimitHits> {
    return hitsIn(this.dirs)
  }

  /** Kills processes of the group until none is left, then removes the group. Another program may have removed an empty group. */
  async close(): Promise<void> {
    for (const dir of this.dirs) {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const pids = await readFile(`${dir}/cgroup.procs`, 'utf8').catch(ifCode(['ENODEV', ...noSuchPath], ''))
        if (pids === '' && (await isRemoved(dir))) break
        for (const pid of pids.split('\n')) if (pid !== '') kill(Number(pid))
        await sleep(5)
      }
    }
  }
}

/** Removes a group. Returns false if a process is still in it. */
async function isRemoved(dir: string): Promise<boolean> {
  return rmdir(dir)
    .catch(ifCode(noSuchPath, undefined))
    .then(returnTrue, ifCode(['EBUSY'], false))
}

/** Returns how many times the limits of these groups were reached. A group that does not exist, or has no such counter, counts as 0. */
export async function hitsIn(dirs: readonly string[]): Promise<LimitHits> {
  const hitsOf = async (resource: Resource) => {
    const counts = dirs.flatMap((dir) =>
      files[resource].count.map(async ([name, line]) => {
        const text = await readFile(`${dir}/${name}`, 'utf8').catch(ifCode(['ENODEV', ...noSuchPath], ''))
        return Number(line.exec(text)?.[1] ?? 0)
      }),
    )
    return Math.max(0, ...(await Promise.all(counts)))
  }
  return { processes: await hitsOf('processes'), memory: await hitsOf('memory') }
}

/** Returns the folder of a process's cgroup of version 2, from `/proc/<pid>/cgroup`; null if the process has none. */
export async function groupOf(pid: number): Promise<string | null> {
  const path = /^0::(\/.+)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(ifCode(['ESRCH', ...noSuchPath], '')))?.[1]
  return path === undefined || !isBelow(posix.normalize(path), '/') ? null : `/sys/fs/cgroup${path}`
}

/**
 * Removes the empty groups of burn processes that have ended. Processes of different PID namespaces can share a hierarchy, and only those of
 * this namespace can be looked up here.
 */
async function removeOrphans(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const [, namespace, pid] = /^burn-(\d+)-(\d+)-/.exec(name) ?? []
    // If the group still has processes, the kernel refuses to remove the group, and burn removes it later.
    if (namespace === pidNamespace() && !existsSync(`/proc/${pid}`)) await rmdir(`${dir}/${name}`).catch(ignoreSystemError)
  }
}

function newGroupPath(dir: string): string {
  return `${dir}/burn-${pidNamespace()}-${process.pid}-${randomBytes(6).toString('hex')}`
}

/** Returns the number of this process's PID namespace. */
function pidNamespace(): string {
  return String(statSync('/proc/self/ns/pid').ino)
}

function limitFile(dir: string, resource: Resource): string | undefined {
  return files[resource].limit.map((name) => `${dir}/${name}`).find((path) => existsSync(path))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The process has exited since the list of processes was read.
  }
}

/** Ignores system errors: for any of them, burn cannot use a group in this folder. Rethrows all other errors. */
function ignoreSystemError(thrown: unknown): undefined {
  if (codeOf(thrown) === '') throw thrown
}

function returnTrue(): boolean {
  return true
}
