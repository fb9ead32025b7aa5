/** Repositories of the stand-in over git's smart HTTP, with a token as the password, and what the forge reads from them. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import type { ForgeState } from './state.ts'
import type { Trouble } from './troubles.ts'

const service = /^\/([\w.-]+)\/([\w.-]+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/

/** Git without what the machine's owner has set for it. */
export const plainGit = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
}

/** Runs git as a person would; gives what it printed. Throws where it fails. */
export function gitAs(dir: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: dir, env: plainGit, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

export function isGitPath(path: string): boolean {
  return service.test(path)
}

/** The commit of a branch in a bare repository; null where there is none. */
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

/** Repositories as `makeBare` made them, by their files, and the folder they are in until this process ends. */
const templates = new Map<string, string>()
let shelf: string | null = null

/** Makes a bare repository with one commit of these files on `main`; of none, an empty one. Copies the one that it made before of the same files. */
export function makeBare(bare: string, files: Readonly<Record<string, string>>): void {
  const key = JSON.stringify(files)
  const template = templates.get(key) ?? makeTemplate(files)
  templates.set(key, template)
  mkdirSync(dirname(bare), { recursive: true })
  cpSync(template, bare, { recursive: true })
}

function makeTemplate(files: Readonly<Record<string, string>>): string {
  if (shelf === null) {
    const made = mkdtempSync(join(tmpdir(), 'burn-test-repos-'))
    process.once('exit', () => rmSync(made, { recursive: true, force: true }))
    shelf = made
  }
  const bare = join(shelf, `${templates.size}.git`)
  gitAs(shelf, 'init', '--quiet', '--bare', '--template=', '-b', 'main', bare)
  mkdirSync(join(bare, 'hooks'))
  // Git would look after each push whether there is something to pack.
  appendFileSync(join(bare, 'config'), '[receive]\n\tautogc = false\n')
  if (Object.keys(files).length > 0) commitTo(bare, 'main', files, null)
  return bare
}

/** Commits these files to a branch of a bare repository, on top of it or of another (null: of none); gives the commit. */
export function commitTo(bare: string, branch: string, files: Readonly<Record<string, string>>, from: string | null = branch): string {
  const data = (text: string) => `data ${Buffer.byteLength(text)}\n${text}\n`
  const start = from === null || branchIn(bare, from) === null ? '' : `from refs/heads/${from}^0\n`
  const changed = Object.entries(files).map(([name, text]) => `M 100644 inline ${name}\n${data(text)}`)
  const commit = `commit refs/heads/${branch}\ncommitter ada <ada@example.com> now\n${data('work')}${start}${changed.join('')}\ndone\n`
  execFileSync('git', ['--git-dir', bare, 'fast-import', '--quiet', '--done', '--date-format=now'], { env: plainGit, input: commit })
  return branchIn(bare, branch) ?? ''
}

/** What git's upload-pack says first in version 2 of its protocol: the same for every repository. */
let capabilities: Buffer | null = null

/** Answers one request of git. What comes is streamed on: a pack may be large. */
export function serveGit(
  { state, login, trouble }: { state: ForgeState; login: string | null; trouble: Trouble | null },
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
  if (asked === 'git-receive-pack' && (repo.archived || !repo.writers.has(login))) return say(403, 'User permission denied for writing.\n')
  const type = `application/x-${asked}-${first ? 'advertisement' : 'result'}`
  const protocol = String(request.headers['git-protocol'] ?? '')
  const second = protocol.includes('version=2') && asked === 'git-upload-pack'
  if (first && second && capabilities !== null) {
    request.resume()
    return reply(capabilities, type, response, trouble)
  }
  const words = [asked.slice('git-'.length), '--stateless-rpc', ...(first ? ['--advertise-refs'] : []), bare]
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
    if (first && second) capabilities = output
    const head = `# service=${asked}\n`
    const line = first && !second ? `${(head.length + 4).toString(16).padStart(4, '0')}${head}0000` : ''
    reply(Buffer.concat([Buffer.from(line), output]), type, response, trouble)
  })
}

/** Git's answer, or half of it, or nothing: what it did is done all the same. */
function reply(output: Buffer, type: string, response: ServerResponse, trouble: Trouble | null): void {
  if (trouble?.kind === 'lost_answer') return void response.destroy()
  if (trouble?.kind === 'failed_answer') return void response.writeHead(trouble.status).end('trouble\n')
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' })
  if (trouble?.kind !== 'cut') return void response.end(output)
  response.write(output.subarray(0, output.length >> 1), () => response.destroy())
}
