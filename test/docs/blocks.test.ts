/**
 * Runs the command blocks of the tutorial as a reader does: in an empty home, with stand-ins for the agent and the forge. All commands of the
 * README are commands of the tutorial.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeBare } from '../stand-ins/gitea/git.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { command, compiled, receivedIn, scratch, standIn, until } from '../support/fleet.ts'

const root = resolve(import.meta.dirname, '../..')

/** A fenced block of commands. `shown`: the lines of output that the document shows after it. */
interface Block {
  readonly line: number
  readonly code: string
  readonly shown: readonly string[]
  /** The reason why the test does not run the block; null if it does. */
  readonly untested: string | null
}

const fence = /(?:<!-- not run by tests: ([^>]+) -->\n)?^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm

function blocksOf(document: string): Block[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [...text.matchAll(fence)].map(({ 1: untested = null, 2: code = '', 3: shown = '', index }) => ({
    line: text.slice(0, index).split('\n').length,
    code,
    shown: shown.split('\n').filter((line) => line.trim() !== ''),
    untested,
  }))
}

/** Replaces what differs between machines: names of workers, numbers, and the width of columns. */
const comparable = (line: string) =>
  line
    .replaceAll(/\b[A-Z]{3,}\b/g, 'NAME')
    .replaceAll(/\b(?:vm|[\w.-]+)(?=\/NAME| {2}(?:would|git))/g, 'HOST')
    .replaceAll(/\d+/g, '0')
    .replaceAll(/\s+/g, ' ')
    .trim()

/** Runs the blocks of a document in order. `burn start` runs in the background until a block ends it. */
async function readerOf(t: TestContext, typed: string) {
  const running = new Set<ChildProcess>()
  let dir = ''
  // This runs before the folder is removed, because the sockets of the tmux servers are in it.
  t.after(() => {
    for (const child of running) child.kill('SIGKILL')
    const sockets = join(dir, `tmux-${process.getuid?.()}`)
    for (const socket of existsSync(sockets) ? readdirSync(sockets) : []) spawnSync('tmux', ['-S', join(sockets, socket), 'kill-server'])
  })
  dir = scratch(t)
  for (const name of ['bin', 'home', 'agents']) mkdirSync(join(dir, name))
  const program = (name: string, argv: readonly string[]) =>
    writeFileSync(join(dir, 'bin', name), `#!/bin/sh\nexec ${argv.map((word) => `'${word}'`).join(' ')} "$@"\n`, { mode: 0o755 })
  program('burn', [process.execPath, command])
  program('hermes', standIn(dir, '--turn-ms', '20').command)
  const home = join(dir, 'home')
  writeFileSync(join(home, '.typed'), typed)
  const env = {
    HOME: home,
    PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`,
    NO_COLOR: '1',
    NODE_COMPILE_CACHE: compiled,
    TMUX_TMPDIR: dir,
  }
  let cwd = home
  const start = async (words: string) => {
    const before = receivedIn(join(dir, 'agents')).length
    const child = spawn('sh', ['-c', `exec ${words}`], { cwd, env, stdio: 'ignore' })
    running.add(child)
    child.once('close', () => running.delete(child))
    await until(`${words} gave an issue`, () =>
      receivedIn(join(dir, 'agents'))
        .slice(before)
        .some(({ text }) => text.includes('You have one issue to work on')),
    )
  }
  const run = (code: string) =>
    new Promise<string>((done, failed) => {
      // A command may read what the reader types.
      const script = `exec <"$HOME/.typed"\n${code}\npwd >"$HOME/.cwd"`
      execFile('sh', ['-ec', script], { cwd, env }, (error, out, err) => {
        if (error === null) done(out)
        else failed(new Error(`${error.message}\n${out}${err}`))
      })
    })
  return {
    dir,
    home,
    /** Runs a block, and returns its output. */
    async read(code: string): Promise<string> {
      const [, before = code, started = null] = /^([\s\S]*?)^(burn start)(?! --)[^\n]*\n$/m.exec(code) ?? []
      const out = await run(before)
      cwd = readFileSync(join(home, '.cwd'), 'utf8').trim()
      if (started !== null) await start(started)
      return out
    },
    async ended() {
      for (const child of running) await once(child, 'close')
    },
  }
}

async function readDocument(document: string, { read, ended }: Awaited<ReturnType<typeof readerOf>>, untested: number): Promise<void> {
  const blocks = blocksOf(document)
  assert.equal(blocks.filter((block) => block.untested !== null).length, untested, `${document}: blocks that no test runs`)
  for (const { line, code, shown, untested: skip } of blocks) {
    if (skip !== null) continue
    const place = `${document}:${line}`
    const out = await read(code).catch((thrown: unknown) => assert.fail(`${place}: ${(thrown as Error).message}`))
    const lines = out.split('\n').map(comparable)
    for (const each of shown) assert.ok(lines.includes(comparable(each)), `${place} shows "${each}", but burn printed:\n${out}`)
    if (/^burn stop/m.test(code)) await ended()
  }
}

/** Returns the commands of a block, one per line, without comments. */
const commandsIn = ({ code }: Block) => code.split('\n').flatMap((line) => line.replace(/\s+#.*$/, '').trim() || [])

test('README: its commands are commands of the tutorial', () => {
  const blocks = blocksOf('README.md')
  assert.equal(blocks.filter(({ untested }) => untested !== null).length, 2, 'blocks that no test runs')
  const run = new Set(blocksOf('docs/tutorial.md').flatMap((block) => (block.untested === null ? commandsIn(block) : [])))
  const missing = blocks.flatMap((block) => (block.untested === null ? commandsIn(block).filter((line) => !run.has(line)) : []))
  assert.deepEqual(missing, [])
})

test('tutorial: its commands run, and print what it shows', async (t) => {
  const token = 'a-token-of-the-tutorial'
  const reader = await readerOf(t, `${token}\n`)
  const forgeDir = join(reader.dir, 'forge')
  makeBare(join(forgeDir, 'ann/app.git'), { 'README.md': '# app\n' })
  const forge = await startGitea({
    git: forgeDir,
    repos: [{ name: 'ann/app', writers: ['ann'], issues: [{ title: 'Say hello', author: 'ann', body: 'Add a greeting.' }] }],
    tokens: { [token]: 'ann' },
  })
  t.after(() => forge.close())
  execFileSync('git', ['clone', '-q', join(forgeDir, 'ann/app.git'), join(reader.home, 'app')])
  execFileSync('git', ['-C', join(reader.home, 'app'), 'remote', 'set-url', 'origin', `${forge.url}/ann/app.git`])
  // The reader's git has a login at the forge.
  writeFileSync(join(reader.home, '.gitconfig'), '[credential]\n  helper = store\n[user]\n  name = Ann\n  email = ann@example.com\n')
  writeFileSync(join(reader.home, '.git-credentials'), `${forge.url.replace('//', `//ann:${token}@`)}\n`, { mode: 0o600 })
  await readDocument('docs/tutorial.md', reader, 1)
})
