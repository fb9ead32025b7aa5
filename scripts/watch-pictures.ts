/**
 * Takes pictures of `burn watch` from real tmux panes: node scripts/watch-pictures.ts → docs/how-to/watch.md. The fleet runs stand-in agents.
 * With `--keep` the script changes no file, and keeps the fleet until Ctrl-C.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { renderDocument } from '../src/forge/front-matter.ts'
import { runProcess } from '../src/host/exec.ts'
import { shellWord } from '../src/host/quote.ts'

const root = resolve(import.meta.dirname, '..')
const page = join(root, 'docs/how-to/watch.md')
const command = [process.execPath, join(root, 'src/cli/main.ts')]
const sizes = [
  [80, 24],
  [200, 50],
  [40, 16],
] as const

/** The lanes of each machine. `flags`: the options of the stand-in agents. */
const lanes = [
  {
    machine: 'mac',
    name: 'CRUCIBLE',
    lane: 'bugs',
    repo: 'kettle',
    names: ['AZOTH', 'ALBEDO', 'CITRINITAS', 'RUBEDO'],
    flags: ['--turn-ms', '3600000'],
  },
  { machine: 'mac', name: 'SCRIPTORIUM', lane: 'docs', repo: 'handbook', names: ['THOTH', 'SESHAT'], flags: ['--approve-every', '1'] },
  {
    machine: 'box',
    name: 'FOUNDRY',
    lane: 'tools',
    repo: 'toolbox',
    names: ['WAYLAND', 'ILMARINEN', 'DAEDALUS'],
    flags: ['--rate-limit', 'usage'],
  },
  { machine: 'box', name: 'LIBRARY', lane: 'review', repo: 'archive', names: ['NISABA', 'ATHENA'], flags: ['--fail', 'broken'] },
] as const

const issues = [
  ['kettle', 'The kettle boils over'],
  ['kettle', 'The lid does not close'],
  ['kettle', 'The whistle is silent'],
  ['handbook', 'Describe the first boil'],
  ['toolbox', 'Report usage of each tool'],
  ['toolbox', 'Sort the tools by name'],
  ['archive', 'Find broken links'],
] as const

const dir = mkdtempSync(join(tmpdir(), 'burn-pictures-'))
const sockets = {
  mac: `burn-pictures-mac-${dir.slice(-6)}`,
  box: `burn-pictures-box-${dir.slice(-6)}`,
  person: `burn-pictures-${dir.slice(-6)}`,
}
const env = { PATH: process.env['PATH'] ?? '', HOME: join(dir, 'home'), BURN_SPEC: join(dir, 'fleet-spec.json'), LANG: 'C.UTF-8' }

async function run(argv: readonly string[], codes: readonly number[] = [0]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(argv, { timeout_ms: 60_000, env })
  if (!codes.includes(code ?? -1)) throw new Error(`${argv.join(' ')}: ${code ?? 'a signal'}\n${stdout}${stderr}`)
  return stdout
}

const burn = (...words: readonly string[]) => run([...command, ...words], [0, 3])
const tmux = (...words: readonly string[]) => run(['tmux', '-u', '-L', sockets.person, '-f', '/dev/null', ...words])

function writeFleet(): void {
  mkdirSync(join(dir, 'home'))
  issues.forEach(([repo, title], index) => {
    const folder = join(dir, 'forge/issues', repo)
    mkdirSync(folder, { recursive: true })
    const number = issues.slice(0, index + 1).filter(([each]) => each === repo).length
    const created = new Date(Date.now() - (issues.length - index) * 3_600_000).toISOString()
    writeFileSync(join(folder, `${number}.md`), renderDocument({ title, author: 'ann', labels: [], assignees: [], created }, `${title}.\n`))
  })
  writeFileSync(join(dir, 'forge/writers'), 'ann\n')
  const agent = join(root, 'test/stand-ins/agent/agent.mjs')
  const windows = (machine: string) =>
    lanes
      .filter((each) => each.machine === machine)
      .map(({ name, lane, repo, names, flags }) => ({
        name,
        lane,
        repos: [repo],
        names,
        agent: { kind: 'hermes', command: [process.execPath, agent, ...flags] },
      }))
  const spec = {
    name: 'works',
    session: 'WORKS',
    dir: join(dir, 'work'),
    forge: { kind: 'folder', path: join(dir, 'forge'), owner: 'works' },
    ledger: `sqlite:${join(dir, 'ledger.db')}`,
    machines: { mac: { socket: sockets.mac, windows: windows('mac') }, box: { socket: sockets.box, windows: windows('box') } },
  }
  writeFileSync(env.BURN_SPEC, JSON.stringify(spec, null, 2))
}

/** Starts the fleet, and brings the workers into their states. DAEDALUS and RUBEDO get no agent; the agent of ATHENA ends. */
async function startFleet(): Promise<void> {
  writeFleet()
  await burn('up')
  const workers = lanes.flatMap(({ names }) => names).filter((name) => name !== 'DAEDALUS')
  await burn('christen', ...workers)
  for (let cycle = 0; cycle < 3; cycle++) await burn('dispatch')
  const panes = await run(['tmux', '-L', sockets.box, 'list-panes', '-s', '-t', 'WORKS', '-F', '#{@burn_worker} #{pane_pid}'])
  const [, pid] = /ATHENA (\d+)/.exec(panes) ?? []
  process.kill(Number(pid), 'SIGKILL')
}

/** Returns the screen of `burn watch` in a terminal of the given size. */
async function picture([width, height]: readonly [number, number], keys: readonly string[]): Promise<string> {
  const watch = [...command, 'watch'].map(shellWord).join(' ')
  await tmux('new-session', '-d', '-s', 'p', '-x', String(width), '-y', String(height), `env -u TMUX ${watch}`)
  for (let left = 100; !/\d\d:\d\d:\d\d/.test(await tmux('capture-pane', '-p', '-t', 'p')); left--) {
    if (left === 0) throw new Error(await tmux('capture-pane', '-p', '-t', 'p'))
    await sleep(100)
  }
  await sleep(2500)
  for (const key of keys) {
    await tmux('send-keys', '-t', 'p', key)
    await sleep(1500)
  }
  const screen = await tmux('capture-pane', '-p', '-t', 'p')
  await tmux('kill-server')
  return screen.trimEnd()
}

async function main(keeps: boolean): Promise<void> {
  try {
    await startFleet()
    if (keeps) {
      process.stdout.write(`BURN_SPEC=${env.BURN_SPEC} HOME=${env.HOME}\n`)
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      while (!stop.signal.aborted) await sleep(100)
      return
    }
    let text = readFileSync(page, 'utf8')
    for (const size of sizes) {
      const name = `${size[0]}×${size[1]}`
      const block = new RegExp(`(<!-- picture ${name} -->\n\n\`\`\`text\n)[^]*?(\n\`\`\`)`)
      if (!block.test(text)) throw new Error(`${page} has no place for the picture ${name}`)
      const shown = await picture(size, [])
      text = text.replace(block, (_, before: string, after: string) => `${before}${shown}${after}`)
    }
    writeFileSync(page, text)
  } finally {
    for (const socket of Object.values(sockets)) await run(['tmux', '-L', socket, 'kill-server'], [0, 1])
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

await main(process.argv.includes('--keep'))
