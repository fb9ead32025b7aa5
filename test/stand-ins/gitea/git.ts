/** Repositories of the stand-in over git's smart HTTP, with a token as the password, and what the forge reads from them. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ForgeState } from './state.ts'
import type { Trouble } from './troubles.ts'

const service = /^\/([\w.-]+)\/([\w.-]+)\.git(\/(?:info\/refs|git-upload-pack|git-receive-pack|HEAD|objects\/.*))$/

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
  const { status, stdout } = spawnSync('git', ['--git-dir', bare, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`], {
    env: plainGit,
    encoding: 'utf8',
  })
  return status === 0 ? stdout.trim() : null
}

/** Makes a bare repository with one commit of these files on `main`; of none, an empty one. */
export function makeBare(bare: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(dirname(bare), { recursive: true })
  gitAs(dirname(bare), 'init', '--quiet', '--bare', '-b', 'main', bare)
  if (Object.keys(files).length > 0) commitTo(bare, 'main', files, null)
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

/** Answers one request of git. What comes is streamed on: a pack may be large. */
export function serveGit(
  { state, login, trouble }: { state: ForgeState; login: string | null; trouble: Trouble | null },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://forge')
  const [, owner = '', name = '', rest = ''] = service.exec(pathname) ?? []
  const say = (status: number, text: string, headers: Record<string, string> = {}) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text)
  }
  if (login === null) return say(401, 'Unauthorized\n', { 'www-authenticate': 'Basic realm="Gitea"' })
  const repo = state.repos.get(`${owner}/${name}`.toLowerCase())
  const bare = state.bareOf(`${owner}/${name}`)
  if (repo === undefined || bare === null) return say(404, 'not found\n')
  const writes = rest === '/git-receive-pack' || search.includes('service=git-receive-pack')
  if (writes && (repo.archived || !repo.writers.has(login))) return say(403, 'User permission denied for writing.\n')
  const child = spawn('git', ['http-backend'], { env: cgi(request, state.gitRoot ?? '', pathname, search, login) })
  child.stdin.on('error', () => child.stdin.destroy())
  child.stderr.resume()
  request.pipe(child.stdin)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  response.once('close', () => child.kill())
  child.once('close', () => reply(Buffer.concat(chunks), response, trouble))
}

function cgi(request: IncomingMessage, root: string, path: string, search: string, login: string): Record<string, string> {
  const { headers } = request
  const given: Record<string, string | undefined> = {
    CONTENT_LENGTH: headers['content-length'],
    CONTENT_TYPE: headers['content-type'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    HTTP_GIT_PROTOCOL: headers['git-protocol'] as string | undefined,
  }
  return {
    ...plainGit,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: path,
    QUERY_STRING: search.replace(/^\?/, ''),
    REQUEST_METHOD: request.method ?? 'GET',
    REMOTE_USER: login,
    REMOTE_ADDR: '127.0.0.1',
    ...Object.fromEntries(Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined)),
  }
}

/** The CGI's answer, or half of it, or nothing: what it did is done all the same. */
function reply(output: Buffer, response: ServerResponse, trouble: Trouble | null): void {
  if (trouble?.kind === 'lost_answer') return void response.destroy()
  if (trouble?.kind === 'failed_answer') return void response.writeHead(trouble.status).end('trouble\n')
  const end = output.indexOf('\r\n\r\n')
  const lines = output.subarray(0, Math.max(0, end)).toString('utf8').split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
  const { Status: status = '200', ...others } = headers
  const body = output.subarray(end + 4)
  response.writeHead(end < 0 ? 500 : Number(status.slice(0, 3)), others)
  if (trouble?.kind !== 'cut') return void response.end(body)
  response.write(body.subarray(0, body.length >> 1), () => response.destroy())
}
