/** Serves the stand-in's repositories over git's smart HTTP, with a token as the password. It also reads and writes them for tests. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import type { ForgeState } from './state.ts'
import type { Trouble } from './troubles.ts'

const service = /^\/([\w.-]+)\/([\w.-]+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/

/** The environment of git without the settings of this machine. */
export const plainGit = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
}

/** Runs git as a person would, and returns its output. Throws if git fails. */
export function gitAs(dir: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: dir, env: plainGit, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

/** Returns true if git, not the API, asks for this path. */
export function isGitPath(path: string): boolean {
  return service.test(path)
}

/** Returns the commit of a branch in a bare repository; null if there is none. */
export function branchIn(bare: string, branch: string): string | null {
  const loose = statSync(join(bare, 'refs/heads', branch), { throwIfNoEntry: false })
  if (loose?.isFile() === true) return readFileSync(join(bare, 'refs/heads', branch), 'utf8').trim()
  if (!existsSync(join(bare, 'packed-refs'))) return null
  const { status, stdout } = spawnSync('git', ['--git-dir', bare, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`], {
    env: plainGit,
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : null
}

/** Repositories that `makeBare` made, by their files. They are in `shelf` until this process ends. */
const templates = new Map<string, string>()
let shelf: string | null = null

/**
 * Makes a bare repository with one commit of these files on `main`; an empty one if there are none. It copies an earlier one with the same
 * files.
 */
export function makeBare(bare: string, files: Readonly<Record<string, string>>): void {
  const key = JSON.stringify(files)
  const template = templates.get(key) ?? makeTemplate(files)
  templates.set(key, template)
  mkdirSync(dirname(bare), { recursive: true })
  cpSync(template, bare, { recursive: true })
}

function shelfDir(): string {
  if (shelf !== null) return shelf
  shelf = mkdtempSync(join(tmpdir(), 'burn-test-repos-'))
  process.once('exit', () => rmSync(shelf ?? '', { recursive: true, force: true }))
  return shelf
}

/** Returns a folder with a hook that refuses each push, as Gitea words it. */
function refusingHooks(): string {
  const dir = join(shelfDir(), 'hooks')
  if (existsSync(dir)) return dir
  mkdirSync(dir)
  writeFileSync(join(dir, 'pre-receive'), '#!/bin/sh\necho "Gitea: User permission denied for writing." >&2\nexit 1\n', { mode: 0o755 })
  return dir
}

function makeTemplate(files: Readonly<Record<string, string>>): string {
  const bare = join(shelfDir(), `${templates.size}.git`)
  gitAs(shelfDir(), 'init', '--quiet', '--bare', '--template=', '-b', 'main', bare)
  mkdirSync(join(bare, 'hooks'))
  // Otherwise git checks after each push whether there is something to pack.
  appendFileSync(join(bare, 'config'), '[receive]\n\tautogc = false\n')
  if (Object.keys(files).length > 0) commitTo(bare, 'main', files, null)
  return bare
}

/** Commits files to a branch of a bare repository, on top of that branch or another (null: of none). Returns the commit. */
export function commitTo(bare: string, branch: string, files: Readonly<Record<string, string>>, from: string | null = branch): string {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`
  const start = from === null || branchIn(bare, from) === null ? '' : `from refs/heads/${from}^0\n`
  const changed = Object.entries(files).map(([name, text]) => `M 100644 inline ${name}\n${data(text)}`)
  const commit = `commit refs/heads/${branch}\ncommitter ada <ada@example.com> now\n${data('work')}${start}${changed.join('')}\ndone\n`
  execFileSync('git', ['--git-dir', bare, 'fast-import', '--quiet', '--done', '--date-format=now'], { env: plainGit, input: commit })
  return branchIn(bare, branch) ?? ''
}

/** Commits files to a branch, which begins at `main` if it is new. Makes the repository if there is none. Returns the commit. */
export function commitAnywhere(bare: string, branch: string, files: Readonly<Record<string, string>>): string {
  const isNew = branchIn(bare, 'main') === null
  // A repository with these files is copied from an earlier one, which costs less than a commit.
  if (isNew) makeBare(bare, { 'README.md': 'app\n', ...(branch === 'main' ? files : {}) })
  if (isNew && branch === 'main') return branchIn(bare, 'main') ?? ''
  return commitTo(bare, branch, files, branchIn(bare, branch) === null ? 'main' : branch)
}

/** The results of merges and comparisons, by repository and commits. They never change. */
const merges = new Map<string, string | null>()
const ancestors = new Map<string, string>()

function remembered<T>(known: Map<string, T>, key: string, find: () => T): T {
  if (!known.has(key)) known.set(key, find())
  return known.get(key)!
}

/** Merges a commit into another, and returns the merge commit; null if they conflict. Returns the other commit if it contains the first. */
export function mergeIn(bare: string, into: string, other: string): string | null {
  return remembered(merges, `${bare} ${into} ${other}`, () => mergeNow(bare, into, other))
}

function mergeNow(bare: string, into: string, other: string): string | null {
  if (commonAncestor(bare, into, other) === into) return other
  const { status, stdout } = spawnSync('git', ['--git-dir', bare, 'merge-tree', '--write-tree', into, other], {
    env: plainGit,
    encoding: 'utf8',
  })
  if (status !== 0) return null
  return gitAs(bare, 'commit-tree', stdout.trim(), '-p', into, '-p', other, '-m', 'merge')
}

/** Returns the newest commit that both commits contain; '' if there is none. */
export function commonAncestor(bare: string, one: string, other: string): string {
  const find = () => spawnSync('git', ['--git-dir', bare, 'merge-base', one, other], { env: plainGit, encoding: 'utf8' }).stdout.trim()
  return remembered(ancestors, `${bare} ${one} ${other}`, find)
}

/** Returns the parents of a commit. */
export function parentsOf(bare: string, commit: string): string[] {
  return gitAs(bare, 'log', '-1', '--format=%P', commit).split(' ')
}

/** Moves a branch of a bare repository to a commit; deletes it if the commit is null. */
export function moveBranch(bare: string, branch: string, commit: string | null): void {
  gitAs(bare, 'update-ref', ...(commit === null ? ['-d', `refs/heads/${branch}`] : [`refs/heads/${branch}`, commit]))
}

/** The first answer of git's upload-pack in protocol version 2, by the object format of the repository. */
const capabilities = new Map<string, Buffer>()

/** Answers one request of git. Input is streamed, because a pack may be large. */
export function serveGit(
  { state, login, scopes, trouble }: { state: ForgeState; login: string | null; scopes: readonly string[]; trouble: Trouble | null },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://forge')
  const [, owner = '', name = '', rest = ''] = service.exec(pathname) ?? []
  const say = (status: number, text: string, headers: Record<string, string> = {}) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text)
  }
  if (login === null) return say(401, 'Unauthorized\n', { 'www-authenticate': 'Basic realm="Gitea"' })
  const repo = state.repos.get(`${owner}/${name}`.toLowerCase())
  const bare = state.bareOf(`${owner}/${name}`)
  if (repo === undefined || bare === null || !existsSync(bare)) return say(404, 'not found\n')
  const first = rest === 'info/refs'
  const asked = first ? (searchParams.get('service') ?? '') : rest
  if (asked !== 'git-upload-pack' && asked !== 'git-receive-pack') return say(403, 'only smart HTTP is served\n')
  if (asked === 'git-receive-pack' && repo.archived)
    return say(403, 'This repo is archived. You can view files and clone it, but cannot push or open issues/pull-requests.')
  const scope = asked === 'git-receive-pack' ? 'write:repository' : 'read:repository'
  if (!scopes.includes(scope)) return say(403, 'Forbidden\n')
  const type = `application/x-${asked}-${first ? 'advertisement' : 'result'}`
  const protocol = String(request.headers['git-protocol'] ?? '')
  const second = protocol.includes('version=2') && asked === 'git-upload-pack'
  const format = readFileSync(join(bare, 'config'), 'utf8').includes('sha256') ? 'sha256' : 'sha1'
  const known = first && second ? capabilities.get(format) : undefined
  if (known !== undefined) {
    request.resume()
    return reply(known, type, response, trouble)
  }
  // Somebody without write access may push to `refs/for/…`, so Gitea refuses other pushes in its hook.
  const hooks = asked === 'git-receive-pack' && !repo.writers.has(login) ? ['-c', `core.hooksPath=${refusingHooks()}`] : []
  const words = [...hooks, asked.slice('git-'.length), '--stateless-rpc', ...(first ? ['--advertise-refs'] : []), bare]
  const child = spawn('git', words, { env: { ...plainGit, GIT_PROTOCOL: protocol } })
  child.stdin.on('error', () => child.stdin.destroy())
  child.stderr.resume()
  const input = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
  input.pipe(child.stdin)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  response.once('close', () => child.kill())
  child.once('close', (code) => {
    const output = Buffer.concat(chunks)
    if (code !== 0 && output.length === 0) return say(500, 'git failed\n')
    if (first && second) capabilities.set(format, output)
    const head = `# service=${asked}\n`
    const line = first && !second ? `${(head.length + 4).toString(16).padStart(4, '0')}${head}0000` : ''
    reply(Buffer.concat([Buffer.from(line), output]), type, response, trouble)
  })
}

/** Sends git's answer, half of it, or none. Git has done its work in each case. */
function reply(output: Buffer, type: string, response: ServerResponse, trouble: Trouble | null): void {
  if (trouble?.kind === 'lost_answer') return void response.destroy()
  if (trouble?.kind === 'failed_answer') return void response.writeHead(trouble.status).end('trouble\n')
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' })
  if (trouble?.kind !== 'cut') return void response.end(output)
  response.write(output.subarray(0, output.length >> 1), () => response.destroy())
}
