/**
 * Builds boxes with buildah, and runs them with podman, without a registry. All storage is in one folder. The folder `bin` has a program
 * `docker` that is this podman.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { membersOf } from '../../src/core/json.ts'

/** The variable with the path of the base system, a tar file. */
export const baseVariable = 'BURN_BOX_BASE'
const programs = ['podman', 'buildah', 'runc']

/** Returns the reason why boxes cannot run on this machine; null if they can. */
export function obstacle(): string | null {
  if (process.platform !== 'linux') return `boxes need Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'boxes need root, for control groups and mounts'
  const missing = programs.filter((name) => spawnSync(name, ['--version']).status !== 0)
  if (missing.length > 0) return `missing programs: ${missing.join(', ')}. Install them: apt-get install podman buildah runc`
  const base = process.env[baseVariable] ?? ''
  if (!existsSync(base)) return `${baseVariable} names no tar file of a Debian base system. docs/how-to/develop.md says how to make it`
  return null
}

/** The result of a command. */
export interface Answer {
  readonly code: number | null
  readonly out: string
}

/** An engine with its own storage. */
export class Engine {
  readonly bin: string
  readonly #dir: string
  readonly #storage: readonly string[]

  constructor(dir: string) {
    this.#dir = dir
    this.bin = join(dir, 'bin')
    this.#storage = ['--root', join(dir, 'store'), '--runroot', join(dir, 'run'), '--storage-driver', 'overlay']
    mkdirSync(this.bin, { recursive: true })
    const flags = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', 'runc']
    writeFileSync(join(this.bin, 'docker'), `#!/bin/sh\nexec podman ${[...this.#storage, ...flags].join(' ')} "$@"\n`, { mode: 0o755 })
  }

  /** Makes the image `localhost/base` from the tar file of the base system. */
  buildBase(): void {
    const context = join(this.#dir, 'base')
    const tar = process.env[baseVariable] ?? ''
    mkdirSync(context)
    try {
      linkSync(tar, join(context, 'base.tar'))
    } catch {
      // The folder is on another file system.
      copyFileSync(tar, join(context, 'base.tar'))
    }
    writeFileSync(join(context, 'Containerfile'), 'FROM scratch\nADD base.tar /\nCMD ["/bin/sh"]\n')
    this.build('base', context, [])
    rmSync(context, { recursive: true })
  }

  /** Builds an image from a folder. The chroot isolation works in virtual machines without control groups of version 2. */
  build(name: string, context: string, flags: readonly string[]): void {
    const words = [...this.#storage, 'bud', '--isolation', 'chroot', '--format', 'docker', '--tag', `localhost/${name}`, ...flags, context]
    const { status, stdout, stderr } = spawnSync('buildah', words, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`buildah ended with ${status}: ${stdout.slice(-2000)} ${stderr.slice(-2000)}`)
  }

  /** Runs a command of podman. */
  podman(...words: readonly string[]): Answer {
    const { status, stdout, stderr } = spawnSync(join(this.bin, 'docker'), words, {
      encoding: 'utf8',
      timeout: 60_000,
      // If a box is out of memory, its monitor writes a file into this folder.
      cwd: this.#dir,
    })
    return { code: status, out: `${stdout}${status === 0 ? '' : stderr}`.trim() }
  }

  /** Runs a command of podman. Throws if it fails. */
  must(...words: readonly string[]): string {
    const { code, out } = this.podman(...words)
    if (code !== 0) throw new Error(`podman ${words.join(' ')} ended with ${code}: ${out}`)
    return out
  }

  /** Starts a box that lasts until `podman rm`. Without systemd, an engine may not raise its limits, so the box gets lower ones. */
  run(name: string, image: string, flags: readonly string[]): void {
    const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096']
    this.must('run', '--detach', '--name', name, '--network', 'none', ...limits, ...flags, `localhost/${image}`)
  }

  /** Returns one field of `podman inspect`. */
  field(box: string, path: string): string {
    return this.must('inspect', box, '--format', `{{${path}}}`)
  }

  /** Ends all boxes, and deletes the storage. */
  close(): void {
    this.podman('rm', '--all', '--force', '--time', '0', '--volumes')
    // podman mounts this folder, and the monitors of boxes use it for a moment after their boxes have ended.
    for (let left = 50; left > 0 && spawnSync('umount', [join(this.#dir, 'store/overlay')]).status !== 0; left--)
      spawnSync('sleep', ['0.2'])
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Returns the options of `podman run` that mean the same as the service `allegro` of examples/allegro/compose.yaml. */
export function composeFlags(secret: string): string[] {
  const file = resolve(import.meta.dirname, '../../examples/allegro/compose.yaml')
  const service = membersOf(membersOf(membersOf(parse(readFileSync(file, 'utf8')))['services'])['allegro'])
  const listOf = (key: string) => (Array.isArray(service[key]) ? service[key].map(String) : [])
  return [
    '--hostname',
    String(service['hostname']),
    '--restart',
    String(service['restart']),
    '--memory',
    String(service['mem_limit']),
    '--cpus',
    String(service['cpus']),
    '--pids-limit',
    String(service['pids_limit']),
    ...(service['read_only'] === true ? ['--read-only'] : []),
    ...listOf('tmpfs').flatMap((path) => ['--tmpfs', path]),
    ...listOf('cap_drop').flatMap((name) => ['--cap-drop', name]),
    ...listOf('security_opt').flatMap((option) => ['--security-opt', option.replace(/:true$/, '')]),
    ...listOf('volumes').flatMap((volume) => ['--volume', volume]),
    ...listOf('secrets').flatMap((name) => ['--volume', `${secret}:/run/secrets/${name}:ro`]),
  ]
}
