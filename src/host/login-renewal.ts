/** Runs the command with which an agent program renews its login, on the machine of the login. */
import type { Machine } from '../core/nouns.ts'
import type { LoginRenewal, RenewalEnd } from '../core/login.ts'
import { loginShellFunctions } from './login-shell.ts'
import { loginShellScript, shellWord, shellWords } from './quote.ts'
import { runOn } from './run-on.ts'

/** The time (s) for which burn waits for the command. The command continues after this time. */
const patience = 60
/** The time limit (ms) of the script. It is much longer, because burn kills the script and its children after this time. */
const timeout = 5 * 60_000

/**
 * Runs the command in the login shell, and prints how it ended. The command gets no terminal, ignores a hang-up, and its output is dropped,
 * because a program may print a part of a token. burn does not end the command: if it has spent the old token and not yet saved the new
 * one, its end would lose the login.
 */
const script = `${loginShellFunctions}
trap '' HUP
cd / && cd "$HOME"
as_login "$(login_shell)" "$1" >/dev/null 2>&1 </dev/null &
last=$(($(date +%s) + ${patience}))
while kill -0 $! 2>/dev/null && [ "$(date +%s)" -lt $last ]; do sleep 0.2 2>/dev/null || sleep 1; done
if kill -0 $! 2>/dev/null; then echo running; exit 0; fi
wait $!
echo "ended $?"`

/** Returns a value as a word of a shell. A leading `~/` stands for the home directory. */
function homeWord(value: string): string {
  return value.startsWith('~/') ? `"$HOME"/${shellWord(value.slice(2))}` : shellWord(value)
}

/** Runs a command that renews a login. */
export async function renewLogin(machine: Pick<Machine, 'transport'>, { argv, env }: LoginRenewal): Promise<RenewalEnd> {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${homeWord(value)}; `)
  const line = loginShellScript(`${variables.join('')}exec ${shellWords(argv)}`)
  const { stdout } = await runOn(machine, ['sh', '-c', script, 'burn', line], { timeout_ms: timeout })
  if (stdout.includes('ended 127') || stdout.includes('ended 126')) return 'not_found'
  return stdout.startsWith('ended') ? 'ended' : stdout.startsWith('running') ? 'running' : 'no_answer'
}
