/** Control groups that this program makes itself: version 1, or 2, where it is root of what it sees. */
import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { isBelow } from './toolchains.ts'

export type Limited = 'processes' | 'memory'

/** A folder in which groups can be made, and what they can limit. */
export interface CgroupPlace {
  readonly dir: string
  readonly limits: readonly Limited[]
}

/** How often a limit was hit. */
export type Hits = Readonly<Record<Limited, number>>

/** Each version's files: where the limit is written, and the line that counts how often it was hit. */
const files: Readonly<Record<Limited, { readonly limit: readonly string[]; readonly count: readonly (readonly [string, RegExp])[] }>> = {
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
 * Where groups may be made: at the top of the hierarchies that this process sees and is at the top of itself. A group further
 * down has somebody who manages it (systemd, a container's runtime), and nobody else may put anything into it.
 */
export function placesIn(cgroup: string, mountinfo: string): CgroupPlace[] {
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
    const named = controllers.split(',')
    const limits = [...(named.includes('pids') ? ['processes' as const] : []), ...(named.includes('memory') ? ['memory' as const] : [])]
    return controllers === '' ? [{ dir, limits: ['processes' as const, 'memory' as const] }] : limits.length > 0 ? [{ dir, limits }] : []
  })
}

/** The places of this process where a group can be made, found by making one; removes groups whose maker is gone. */
export async function cgroupPlaces(): Promise<CgroupPlace[]> {
  const [cgroup, mountinfo] = await Promise.all(
    ['cgroup', 'mountinfo'].map((name) => readFile(`/proc/self/${name}`, 'utf8').catch(ifCode(noSuchPath, ''))),
  )
  const places = placesIn(cgroup ?? '', mountinfo ?? '')
  const working = await Promise.all(
    places.map(async (place) => {
      if (!(await access(place.dir, constants.W_OK).then(yes, ifCode(['EACCES', 'EPERM', 'EROFS', ...noSuchPath], false)))) return []
      await removeOrphans(place.dir)
      if (existsSync(`${place.dir}/cgroup.subtree_control`))
        for (const name of ['+pids', '+memory']) await writeFile(`${place.dir}/cgroup.subtree_control`, name).catch(unavailable)
      const dir = await mkdir(nameIn(place.dir), { recursive: true }).catch(unavailable)
      if (dir === undefined) return []
      const limits = place.limits.filter((limited) => limitFile(dir, limited) !== undefined)
      await rmdir(dir)
      return limits.length === 0 ? [] : [{ dir: place.dir, limits }]
    }),
  )
  return working.flat()
}

/** A group for one command: a folder in each place. */
export class Cgroup {
  readonly dirs: readonly string[]

  private constructor(dirs: readonly string[]) {
    this.dirs = dirs
  }

  static async make(places: readonly CgroupPlace[], most: Hits): Promise<Cgroup> {
    const made = places.map(({ dir, limits }) => ({ dir: nameIn(dir), limits }))
    for (const { dir, limits } of made) {
      await mkdir(dir)
      for (const limited of limits) {
        const file = limitFile(dir, limited)
        if (file !== undefined) await writeFile(file, String(most[limited]))
      }
      // With no room left, all of the command goes, and not just the process that was picked.
      if (existsSync(`${dir}/memory.oom.group`)) await writeFile(`${dir}/memory.oom.group`, '1')
    }
    return new Cgroup(made.map(({ dir }) => dir))
  }

  hits(): Promise<Hits> {
    return hitsIn(this.dirs)
  }

  /** Kills what is in it until nothing is, and removes it. */
  async close(): Promise<void> {
    for (const dir of this.dirs) {
      for (let tries = 0; tries < 200; tries += 1) {
        const pids = (await readFile(`${dir}/cgroup.procs`, 'utf8')).split('\n').filter((line) => line !== '')
        if (pids.length === 0 && (await rmdir(dir).then(yes, ifCode(['EBUSY'], false)))) break
        for (const pid of pids) kill(Number(pid))
        await pause(5)
      }
    }
  }
}

/** How often the limits of groups were hit; one that is gone, or has no such count, says nothing. */
export async function hitsIn(dirs: readonly string[]): Promise<Hits> {
  const count = async (limited: Limited) => {
    const found = dirs.flatMap((dir) =>
      files[limited].count.map(async ([name, line]) => {
        const text = await readFile(`${dir}/${name}`, 'utf8').catch(ifCode(['ENODEV', ...noSuchPath], ''))
        return Number(line.exec(text)?.[1] ?? 0)
      }),
    )
    return Math.max(0, ...(await Promise.all(found)))
  }
  return { processes: await count('processes'), memory: await count('memory') }
}

/** The folder of a process's own group in version 2, from its `/proc/<pid>/cgroup`; null where it has none. */
export async function groupOf(pid: number): Promise<string | null> {
  const path = /^0::(\/.+)$/m.exec(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(ifCode(['ESRCH', ...noSuchPath], '')))?.[1]
  return path === undefined || !isBelow(posix.normalize(path), '/') ? null : `/sys/fs/cgroup${path}`
}

async function removeOrphans(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const pid = /^burn-(\d+)-/.exec(name)?.[1]
    // One with processes in it can't be removed, and need not be.
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rmdir(`${dir}/${name}`).catch(unavailable)
  }
}

function nameIn(dir: string): string {
  return `${dir}/burn-${process.pid}-${randomBytes(6).toString('hex')}`
}

function limitFile(dir: string, limited: Limited): string | undefined {
  return files[limited].limit.map((name) => `${dir}/${name}`).find((path) => existsSync(path))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself since the list was read.
  }
}

/** A kernel has many reasons to refuse a group; each means that none can be made there. */
function unavailable(thrown: unknown): undefined {
  if (codeOf(thrown) === '') throw thrown
}

function yes(): boolean {
  return true
}
