/** Finds a person's login shell on a machine, and reads the environment that this shell sets. Agents get this environment. */
import type { Machine } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { counted, oneLine } from '../core/text.ts'
import { loginShellScript, shellWord } from './quote.ts'
import { randomHex } from './random.ts'
import { runOn } from './run-on.ts'
import { explainTransportFailure } from './transport-failure.ts'

/** The time limit (ms) for the login shell. A profile may wait a long time for a lock. */
const limit = 120_000

/**
 * The only variables that burn passes to the login shell. Other variables could contain a token of burn, and agents would get the token.
 */
const keptVariables = [
  'HOME',
  'USER',
  'LOGNAME',
  'PATH',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'ZDOTDIR',
]

/**
 * Shell functions. `login_shell` prints the path of the login shell. cron sets SHELL to /bin/sh, and containers do not set SHELL. In both
 * cases, the user database names the shell. `as_login SHELL LINE` runs LINE in the login shell SHELL. Every shell must be able to read
 * LINE. csh accepts `-l` only without other arguments.
 */
export const loginShellFunctions = `login_shell() {
  shell=$SHELL
  case $shell in '' | /bin/sh)
    shell=$(getent passwd "$(id -u)" 2>/dev/null || awk -F: -v "id=$(id -u)" '$3 == id' /etc/passwd 2>/dev/null) shell=\${shell##*:}
    [ -n "$shell" ] || shell=$(dscl . -read "/Users/$(id -un)" UserShell 2>/dev/null) shell=\${shell##* } ;;
  esac
  case $shell in '' | */nologin | */false) shell=/bin/sh ;; esac
  printf '%s\\n' "$shell"
}
as_login() {
  shell=$1 line=$2; set -- "SHELL=$shell"
  ${keptVariables.map((name) => `[ -z "$${name}" ] || set -- "$@" "${name}=$${name}"`).join('\n  ')}
  case $shell in
    *csh) printf '%s\\n' "$line" | env -i "$@" "$shell" -l ;;
    *) env -i "$@" "$shell" -l -c "$line" </dev/null ;;
  esac
}`

/** Returns a line that a person can type into any shell to see what `command` does in a login shell. */
export function loginShellLine(shell: string, command: string): string {
  return `echo ${shellWord(command)} | ${shellWord(shell)} -l`
}

/** Variables that belong to a pane or a process, so that agents must not get them from the login shell. */
const ownVariables = /^(?:_|HOME|USER|LOGNAME|PWD|OLDPWD|SHLVL|TERM|TMUX|TMUX_PANE|COLUMNS|LINES|TMPDIR|XDG_RUNTIME_DIR)$/

/**
 * Returns the variables that the person's login shell has on a machine, with PATH and SHELL, but without those that belong to a process or
 * a pane. Throws BurnError `login_shell` if the shell does not run a command, and `machine_unreachable`.
 */
export async function loginEnvironment(machine: Pick<Machine, 'name' | 'transport'>): Promise<Readonly<Record<string, string>>> {
  const mark = `burn-${randomHex(12)}`
  const line = loginShellScript(`printf '%s\\n' ${mark}; env -0 2>/dev/null || env; printf %s ${mark}`)
  const script = `${loginShellFunctions}\nshell=$(login_shell); printf '%s\\n' "$shell"; as_login "$shell" ${shellWord(line)}`
  const { stdout, stderr, code, stopped } = await runOn(machine, ['/bin/sh', '-c', script], { timeout_ms: limit })
  const [before = '', variables, after] = stdout.split(mark)
  if (variables !== undefined && after !== undefined) return variablesIn(variables.slice(1))
  const shell = before.split('\n')[0] ?? ''
  if (shell === '') {
    const { reason, hint } = explainTransportFailure(stderr, code)
    throw new BurnError('machine_unreachable', `${machine.name} is unreachable: ${stopped === null ? reason : 'no answer'}`, hint)
  }
  const why = stopped === null ? oneLine(stderr) || 'the shell ended without an answer' : `no answer in ${counted(limit / 1000, 'second')}`
  throw new BurnError('login_shell', `the login shell of ${machine.name} (${shell}) does not run commands: ${why}`, 'Run burn doctor.')
}

/**
 * Returns the variables in the output of `env -0`, which ends each variable with a NUL. If `env` does not support `-0`, a value with
 * several lines keeps only its first line.
 */
function variablesIn(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(text.includes('\0') ? '\0' : '\n').flatMap((each) => {
    const [, name = '', value = ''] = /^([A-Za-z_]\w*)=([^]*)$/.exec(each) ?? []
    return name === '' || ownVariables.test(name) ? [] : [[name, value] as const]
  })
  return Object.fromEntries(pairs)
}
