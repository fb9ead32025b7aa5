/** Reads one file on a machine. */
import type { Machine } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { runOn } from './run-on.ts'
import { explainTransportFailure } from './transport-failure.ts'

const timeout = 15_000
const script = `path=$1
case $path in '~'*) path=$HOME\${path#'~'} ;; esac
[ -e "$path" ] || { echo none; exit 0; }
echo file; head -c "$2" <"$path"`

/**
 * Returns the first `limit` bytes of a file on a machine; null if there is no such file. A leading `~/` stands for the home directory on that
 * machine. Throws BurnError `machine_files`.
 */
export async function readFileOn(machine: Pick<Machine, 'name' | 'transport'>, path: string, limit: number): Promise<string | null> {
  const words = ['sh', '-c', script, 'burn', path, String(limit)]
  const { code, stdout, stderr, stopped } = await runOn(machine, words, { timeout_ms: timeout, max_bytes: limit + 64 * 1024 })
  if (code === 0) return stdout.startsWith('file\n') ? stdout.slice('file\n'.length) : null
  const why = stopped === null ? explainTransportFailure(stderr, code).reason : 'the machine did not answer in time'
  throw new BurnError(
    'machine_files',
    `burn cannot read ${path} on ${machine.name}: ${why}`,
    'check the owner and the permissions of this file',
  )
}
