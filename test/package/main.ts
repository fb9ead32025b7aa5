/**
 * `npm run test:package`: builds the package, packs it, installs it into a temporary prefix without a network, and runs it from there. It
 * prints a line for each check. Exits with 1 if a check fails.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
/** The maximum size of the package (bytes). */
const maxSize = 1_200_000

interface Packed {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string }[]
}

const dir = mkdtempSync(join(tmpdir(), 'burn-package-'))
const prefix = join(dir, 'prefix')
const home = join(dir, 'home')
mkdirSync(home)

/** The environment of a person who has no clone: an own home, an empty cache, and no network for npm. */
const env = {
  PATH: [join(prefix, 'bin'), dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
  HOME: home,
  npm_config_cache: join(dir, 'cache'),
  npm_config_offline: 'true',
  npm_config_update_notifier: 'false',
  NO_COLOR: '1',
}

const run = (program: string, ...words: readonly string[]) => execFileSync(program, words, { cwd: home, env, encoding: 'utf8' })
const burn = (...words: readonly string[]) => run('burn', ...words)

function check(what: string, holds: () => void): void {
  holds()
  console.log(`ok    ${what}`)
}

/** Returns the version of a Node; null if the file is no Node that starts. */
function versionOf(node: string): readonly number[] | null {
  const { stdout, status } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim().slice(1).split('.').map(Number) : null
}

/** Returns a Node on PATH that is older than 22.19; undefined if there is none. */
function oldNode(): string | undefined {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  return [...candidates, '/usr/bin/node', '/usr/local/bin/node'].filter(existsSync).find((node) => {
    const [major = Infinity, minor = Infinity] = versionOf(node) ?? []
    return major < 22 || (major === 22 && minor < 19)
  })
}

try {
  execFileSync(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root, stdio: 'inherit' })
  const [packed] = JSON.parse(run('npm', 'pack', join(root, 'dist'), '--json', '--pack-destination', dir)) as readonly [Packed]
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  check(`pack: ${packed.files.length} files, ${Math.round(packed.size / 1000)} KB, nothing that burn does not need`, () => {
    const rest = packed.files.map(({ path }) => path).filter((path) => !path.startsWith('chunks/'))
    assert.deepEqual(rest.toSorted(), ['LICENSE', 'README.md', 'burn.mjs', 'package.json', 'start.mjs'])
    assert.ok(packed.size < maxSize, `${packed.size} bytes`)
  })
  check('pack: the root folder refuses, because its package would need all development files', () => {
    const refused = spawnSync('npm', ['pack', '--dry-run'], { cwd: root, env, encoding: 'utf8' })
    assert.notEqual(refused.status, 0)
    assert.match(refused.stderr, /npm pack \.\/dist/)
  })
  run('npm', 'install', '--global', '--prefix', prefix, join(dir, packed.filename))
  const installed = join(prefix, 'lib/node_modules/burn-fleet')
  check('install: offline, without dependencies', () => assert.ok(!existsSync(join(installed, 'node_modules'))))
  check('install: burn runs from the prefix, outside of the clone', () => {
    assert.equal(burn('--version').trim(), version)
    assert.ok(run('sh', '-c', 'readlink -f "$(command -v burn)"').startsWith(installed))
    assert.match(burn('init', 'fleet', '--folder', '--yes', '--agent', 'hermes'), /burn start/)
    assert.match(burn('spec', 'check', '--spec', 'fleet/fleet-spec.json'), /is valid: 1 machine/)
    assert.match(burn('ledger', 'check', '--spec', 'fleet/fleet-spec.json'), /./)
    assert.match(burn('spec', 'schema'), /"\$schema"/)
  })
  check('install: completion uses the table of options', () => {
    assert.ok(statSync(join(installed, 'chunks/options.txt')).size > 1000)
    assert.match(burn('__complete', '--', 'sprint', 'run', '-'), /^--lane$/m)
  })
  const old = oldNode()
  if (old === undefined) console.log('skip  an old Node: there is none on PATH')
  else
    check(`Node ${versionOf(old)?.join('.')}: burn says which version it needs`, () => {
      const { status, stderr } = spawnSync(old, [join(prefix, 'bin/burn'), '--version'], { cwd: home, env, encoding: 'utf8' })
      assert.equal(status, 2)
      assert.match(stderr, /^burn: needs Node 22\.19 or newer, and this is Node /)
    })
  run('npm', 'uninstall', '--global', '--prefix', prefix, 'burn-fleet')
  check('uninstall: removes the command and the package', () => {
    assert.ok(!existsSync(installed))
    assert.deepEqual(readdirSync(join(prefix, 'bin')), [])
  })
} finally {
  rmSync(dir, { recursive: true, force: true })
}
