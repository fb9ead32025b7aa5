/** Creates control groups, of version 1 or 2, if burn is at the top of the hierarchy that it sees. */
import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { isBelow } from './toolchains.ts'

export type Resource = 'processes' | 'memory'

/** A folder in which groups can be created, and the resources that they can limit. */
export interface CgroupParent {
  readonly dir: string
  readonly limits: readonly Resource[]
}

/** The number of times that each limit was hit. */
export type LimitHits = Readonly<Record<Resource, number>>

/** The files of each version: those that set a limit, and the line that counts its hits. */
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
 * Returns the hierarchies of which this process is at the top. A group further down has a manager, such as systemd or a container runtime,
 * and only the manager may change it. The arguments are the texts of `/proc/self/cgroup` and `/proc/self/mountinfo`.
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

/** Returns the folders in which this process can create a group, by creating one in each. Removes groups of processes that are gone. */
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

/** The control group of one command: one folder in each parent. */
export class Cgroup {
  readonly dirs: readonly string[]

  private constructor(dirs: readonly string[]) {
    this.dirs = dirs
  }

  /** Creates the group and sets its limits: bytes of memory, and a number of processes. */
  static async create(parents: readonly CgroupParent[], max: LimitHits): Promise<Cgroup> {
    const groups = parents.map(({ dir, limits }) => ({ dir: newGroupPath(dir), limits }))
    for (const { dir, limits } of groups) {
      await mkdir(dir)
      for (const resource of limits) {
        const file = limitFile(dir, resource)
        if (file !== undefined) await writeFile(file, String(max[resource]))
      }
      // Out of memory, the kernel kills the whole command, not only one process.
      if (existsSync(`${dir}/memory.oom.group`)) await writeFile(`${dir}/memory.oom.group`, '1')
    }
    return new Cgroup(groups.map(({ dir }) => dir))
  }

  /** Returns the number of times that the command hit each limit. */
  hits(): Promise<LimitHits> {
    return hitsIn(this.dirs)
  }

  /** Kills the group's processes until it is empty, and removes it. */
  async close(): Promise<void> {
    for (const dir of this.dirs) {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const pids = (await readFile(`${dir}/cgroup.procs`, 'utf8')).split('\n').filter((line) => line !== '')
        if (pids.length === 0 && (await rmdir(dir).then(returnTrue, ifCode(['EBUSY'], false)))) break
        for (const pid of pids) kill(Number(pid))
        await sleep(5)
      }
    }
  }
}

/** Returns the number of times that the limits of groups were hit. A group that is gone, or has no such count, adds nothing. */
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

/** Returns the folder of a process's group in version 2, from `/proc/<pid>/cgroup`; null if it has none. */
export async function groupOf(pid: number): Promise<string | null> {
  const path = /^0::(\/.+)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(ifCode(['ESRCH', ...noSuchPath], '')))?.[1]
  return path === undefined || !isBelow(posix.normalize(path), '/') ? null : `/sys/fs/cgroup${path}`
}

async function removeOrphans(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = /^burn-(\d+)-/.exec(name)?.[1]
    // The kernel refuses to remove a group with processes, which is fine.
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rmdir(`${dir}/${name}`).catch(ignoreSystemError)
  }
}

function newGroupPath(dir: string): string {
  return `${dir}/burn-${process.pid}-${randomBytes(6).toString('hex')}`
}

function limitFile(dir: string, resource: Resource): string | undefined {
  return files[resource].limit.map((name) => `${dir}/${name}`).find((path) => existsSync(path))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // The process has exited since the list was read.
  }
}

/** Ignores an error of the system: whatever its reason, no group can be created there. */
function ignoreSystemError(thrown: unknown): undefined {
  if (codeOf(thrown) === '') throw thrown
}

function returnTrue(): boolean {
  return true
}
