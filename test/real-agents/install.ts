/** Installs pinned versions of the real programs into this person's cache, each into a folder of its own. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import type { Program } from './programs.ts'
import { messageOf } from '../../src/core/errors.ts'
import { binOf, folderOf, newestPackage } from './programs.ts'

/** The time limit for one installation (ms). */
const timeout = 10 * 60_000

/** Installs a program unless it is installed already. Throws an Error with the reason, for people. */
export function install(program: Program, cache: string): void {
  if (existsSync(binOf(program, cache))) return
  const folder = folderOf(program, cache)
  mkdirSync(folder, { recursive: true })
  try {
    if (program.registry === 'npm')
      // npm 11 runs install scripts only with this option. The scripts of some programs fetch the program itself.
      run('npm', [
        'install',
        '--prefix',
        folder,
        program.packaged,
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        '--dangerously-allow-all-scripts',
      ])
    else {
      run(pythonFor(), ['-m', 'venv', folder])
      run(`${folder}/bin/pip`, ['install', '--quiet', '--disable-pip-version-check', program.packaged.replace('@', '==')])
    }
  } catch (thrown) {
    // The next run starts with an empty folder.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    throw thrown
  }
}

/** Returns the newest version of a program's package in its registry; null if the registry does not answer. */
export function newestVersion(program: Program): string | null {
  const name = newestPackage(program)
  try {
    if (program.registry === 'npm') return output('npm', ['view', name, 'version'])
    return /\(([^)]+)\)/.exec(output(pythonFor(), ['-m', 'pip', 'index', 'versions', name]))?.[1] ?? null
  } catch (thrown) {
    console.error(`the newest version of ${name} is unknown: ${messageOf(thrown)}`)
    return null
  }
}

/** Hermes needs Python 3.11 to 3.13, with its module venv. */
function pythonFor(): string {
  const found = ['python3.13', 'python3.12', 'python3.11', 'python3'].find((name) => {
    try {
      run(name, ['-c', 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'])
      return true
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error('Python 3.11 to 3.13 with venv is missing')
  return found
}

function run(command: string, args: readonly string[]): void {
  output(command, args)
}

/** Runs a command, and returns what it prints. Throws an Error with the last line of its stderr. */
function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { stdio: 'pipe', timeout, encoding: 'utf8' }).trim()
  } catch (thrown) {
    const { stderr, message } = thrown as { stderr?: Buffer; message: string }
    const lastLine = String(stderr ?? '')
      .trim()
      .split('\n')
      .findLast((line) => line.trim() !== '')
    throw new Error(`${command} ${args[0]}: ${lastLine ?? message}`, { cause: thrown })
  }
}
