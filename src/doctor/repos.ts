/** Checks whether the git of a machine can read the repos of its workers and push branches to them, as the agents will. */
import type { Machine } from '../core/nouns.ts'
import type { Finding } from './findings.ts'
import { counted, oneLine } from '../core/text.ts'
import { runOn } from '../host/run-on.ts'
import { shellWord } from '../host/quote.ts'
import { lineOn } from '../observe/remedies.ts'

const probeTimeout = 60_000

/**
 * The script. Its arguments: the branch of a dispatch that does not exist, and clone URLs. It prints one line for each URL: `<n> ok`, or
 * `<n> <step> <error>`. The test of the push creates no branch: the remote checks the login, the rights and the commit, but it cannot create
 * both branches of one atomic push, because they exclude each other.
 */
const script = `branch=$1; shift
export GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1 GIT_HTTP_LOW_SPEED_TIME=15 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=8'
umask 077
dir=$(mktemp -d "\${TMPDIR:-/tmp}/burn-doctor.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
say() { printf '%s\\n' "$1 $2 $(printf %s "$3" | tr '\\n\\t' '  ' | cut -c 1-600)"; }
check() {
  head=$(git ls-remote -- "$2" HEAD 2>&1) || { say "$1" read "$head"; return; }
  id=$(printf '%s\\n' "$head" | awk '$2 == "HEAD" {print $1}')
  [ -n "$id" ] || { say "$1" empty ''; return; }
  format=sha1; [ "\${#id}" -ne 64 ] || format=sha256
  git init -q --bare "--object-format=$format" "$dir/$1" 2>/dev/null || git init -q --bare "$dir/$1" || return
  cd "$dir/$1" || return
  git var GIT_COMMITTER_IDENT >/dev/null 2>&1 || export GIT_AUTHOR_NAME=burn GIT_AUTHOR_EMAIL=burn@localhost GIT_COMMITTER_NAME=burn GIT_COMMITTER_EMAIL=burn@localhost
  tree=$(git hash-object -t tree -w /dev/null) && commit=$(git commit-tree -m 'Test whether a push is allowed' "$tree" 2>&1) || { say "$1" push "$commit"; return; }
  pushed=$(git push --porcelain --no-verify --atomic -- "$2" "$commit:refs/heads/$branch" "$commit:refs/heads/$branch/x" 2>&1) && {
    git push -q --no-verify -- "$2" ":refs/heads/$branch" ":refs/heads/$branch/x" >/dev/null 2>&1
    say "$1" ok ''; return
  }
  case $pushed in
    *'exists; cannot create'*) say "$1" push "$pushed" ;;
    *declined*) say "$1" hook "$pushed" ;;
    *atomic*|*'at the same time'*) say "$1" ok '' ;;
    *) say "$1" push "$pushed" ;;
  esac
}
n=0
for url; do
  n=$((n + 1))
  (check "$n" "$url") &
  [ $((n % 8)) -ne 0 ] || wait
done
wait
exit 0`

/** A repo with its clone URL for the agents of a machine. */
export interface ProbedRepo {
  readonly repo: string
  readonly url: string
}

/** Returns the findings about the repos of a machine. `branch` is a name that a branch of a dispatch could have, and that no branch has. */
export async function repoFindings(
  machine: Machine,
  repos: readonly ProbedRepo[],
  branch: string,
  timeout = probeTimeout,
): Promise<Finding[]> {
  if (repos.length === 0) return []
  const words = ['sh', '-c', script, 'burn', branch, ...repos.map(({ url }) => url)]
  const { stdout } = await runOn(machine, words, { timeout_ms: timeout })
  const answers = new Map(
    stdout.split('\n').flatMap((line): [number, Answer][] => {
      const [, n, step = '', error = ''] = /^(\d+) (\w+) ?(.*)$/.exec(line) ?? []
      return n === undefined ? [] : [[Number(n), { step, error: oneLine(error.replaceAll(/:\/\/[^/@\s]*@/g, '://'), 300) }]]
    }),
  )
  const silent: Answer = { step: 'read', error: `no answer within ${timeout / 1000} s` }
  const found = repos.map((each, index) => ({ ...each, ...(answers.get(index + 1) ?? silent) }))
  const good = found.filter(({ step }) => step === 'ok')
  const summary = `git can read ${counted(good.length, 'repo')} and push branches to ${good.length === 1 ? 'it' : 'them'}`
  const ok: Finding[] = good.length === 0 ? [] : [{ level: 'ok', where: machine.name, what: summary, remedy: '' }]
  return [...ok, ...found.flatMap((each) => (each.step === 'ok' ? [] : [faultFinding(machine, each)]))]
}

interface Answer {
  readonly step: string
  readonly error: string
}

function faultFinding(machine: Machine, { repo, url, step, error }: ProbedRepo & Answer): Finding {
  const fault = (what: string, remedy: string): Finding => ({ level: 'fail', where: machine.name, what, remedy })
  const check = `git ls-remote ${shellWord(url)}`
  const needsLogin =
    /^https?:/.test(url) && /authentication|could not read (?:username|password)|terminal prompts disabled|\b40[13]\b/i.test(error)
  // With the credential helper `store`, git saves the password that a person enters once. The agents of the machine then need no password.
  const remedy = lineOn(machine, needsLogin ? `git config --global credential.helper store && ${check}` : check)
  const [, folder] = /dubious ownership in repository at '([^']+)'/.exec(error) ?? []
  if (folder !== undefined)
    return fault(`git can't read ${url}: ${error}`, lineOn(machine, `git config --global --add safe.directory ${shellWord(folder)}`))
  if (step === 'read')
    return fault(`git can't read ${url}: ${error}`, /certificate/i.test(error) ? certificateRemedy(machine, url, check) : remedy)
  if (step === 'empty') return fault(`${repo} has no commits`, 'push a first commit to the repo')
  const access = `give the account of git on ${machine.name} write access to ${repo}, and check its ssh key, or its line in ~/.netrc`
  if (step === 'push') return fault(`git can't push to ${url}: ${error}`, needsLogin ? remedy : access)
  // The test commit has no files and no parent. A hook may refuse it, although it accepts the commits of agents.
  return { level: 'warn', where: machine.name, what: `the remote refuses a test commit for ${repo}: ${error}`, remedy: access }
}

/** Returns the remedy if git on a machine does not trust the certificate of the forge, because a private CA signed it. */
function certificateRemedy(machine: Machine, url: string, check: string): string {
  const trust = `git config --global http.${new URL(url).origin}/.sslCAInfo '~/ca.pem' && ${check}`
  return `copy the certificate of the forge's CA to ~/ca.pem on ${machine.name}; then: ${lineOn(machine, trust)}`
}
