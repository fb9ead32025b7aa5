/**
 * Reads the login files of agents on any machine, without their tokens. The machine itself removes the tokens, so no token is sent, and no
 * error or log of burn can contain one. It needs only /bin/sh and the usual tools.
 */
import type { Machine } from '../core/nouns.ts'
import type { LoginAccess, LoginFile, LoginListing } from '../core/login.ts'
import { isFields, parseJson } from '../core/json.ts'
import { renewLogin } from './login-renewal.ts'
import { runOn } from './run-on.ts'

const timeout = 30_000
/** Larger files (bytes) are no login files. */
const largest = 256 * 1024

/** Keys whose values are times or flags. */
const times = [
  'expires_at',
  'expires_at_ms',
  'expiresAt',
  'refreshTokenExpiresAt',
  'expiry_date',
  'expires',
  'obtained_at',
  'last_refresh',
  'relogin_required',
]
/** Keys whose values are short words. */
const words = ['type', 'auth_type', 'subscriptionType', 'account_id']
/** Keys whose values are tokens. */
const tokens = ['access_token', 'refresh_token', 'id_token', 'accessToken', 'refreshToken', 'access', 'refresh', 'key', 'OPENAI_API_KEY']

/**
 * Prints a JSON file on one line, without secrets. A value stays only if its key is in one of the lists above and if it has the form of a
 * time, a number or a short word. A token becomes `true`; a JSON Web Token becomes its claims `exp` and `email`. All other values become
 * null, and unknown keys become `?`. Prints nothing if the file is not complete. POSIX awk has no JSON, no base64 and no `{n}` in patterns.
 * The awk of BSD splits a text at each line break, too, and that of BusyBox may have no powers.
 */
const sealProgram = String.raw`
BEGIN {
  times = " ${times.join(' ')} "; words = " ${words.join(' ')} "; tokens = " ${tokens.join(' ')} "
  base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  for (i = 32; i < 127; i++) chr[i] = sprintf("%c", i)
  unit[0] = 1; unit[2] = 4; unit[4] = 16
}
{ text = text $0 " " }
END {
  count = split(text, part, "\"")
  for (i = 1; i <= count && !failed; i++) {
    between(part[i])
    if (i == count) break
    value = part[++i]
    while (isOpen(value) && i < count) value = value "\"" part[++i]
    if (i == count) failed = 1
    else quoted(value, part[i + 1])
  }
  if (!failed && done) print out
}
# Returns 1 if the quote after this text is escaped.
function isOpen(value) { return match(value, /\\+$/) && RLENGTH % 2 == 1 }
function has(list, name) { return name ~ /^[A-Za-z_]+$/ && index(list, " " name " ") > 0 }
# Copies the text between two strings: brackets, commas, colons, numbers and words.
function between(rest,   sign) {
  gsub(/[ \t\r\n]/, "", rest)
  while (rest != "" && !failed) {
    sign = substr(rest, 1, 1)
    if (done) { failed = 1; return }
    if (match(rest, /^[-+.0-9A-Za-z]+/)) { out = out bare(substr(rest, 1, RLENGTH)); rest = substr(rest, RLENGTH + 1); continue }
    if (sign == "{" || sign == "[") { open[++depth] = sign; name = "" }
    else if (sign == "}" || sign == "]") {
      if (depth == 0 || (open[depth] == "{") != (sign == "}")) { failed = 1; return }
      if (--depth == 0) done = 1
      name = ""
    }
    else if (sign == ",") name = ""
    else if (sign != ":") { failed = 1; return }
    out = out sign; rest = substr(rest, 2)
  }
}
function bare(value) {
  if (value !~ /^(true|false|null|-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?)$/) { failed = 1; return "" }
  return has(times, name) || has(words, name) ? value : "null"
}
# Copies a string: a key if a colon follows, else a value.
function quoted(value, follows) {
  gsub(/[ \t\r\n]/, "", follows)
  if (open[depth] != "{" || substr(follows, 1, 1) != ":") { out = out shown(value); return }
  name = value
  out = out "\"" (has(times words tokens, value) || (follows ~ /^:[{[]/ && isPlain(value)) ? value : "?") "\""
}
# Returns 1 for the name of a provider or a part of the file, but not for a text like a token.
function isPlain(value) { return length(value) <= 48 && value ~ /^[A-Za-z0-9_.:@\/-]+$/ && value !~ /^(eyJ|sk-)/ }
function shown(value) {
  if (has(tokens, name)) return sealed(value)
  if (has(times, name) && length(value) <= 40 && value ~ /^[0-9T:Z.+ -]+$/) return "\"" value "\""
  if (has(words, name) && isPlain(value) && length(value) <= 48) return "\"" value "\""
  return "null"
}
function sealed(token,   claims, ends, email) {
  if (token == "") return "null"
  if (length(token) > 8192 || token !~ /^eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/) return "true"
  claims = decoded(token)
  ends = match(claims, /"exp" *: *[0-9]+/) ? substr(claims, RSTART, RLENGTH) : ":null"
  sub(/^.*: */, "", ends)
  email = match(claims, /"email" *: *"[A-Za-z0-9_.@+-]+"/) ? substr(claims, RSTART, RLENGTH) : ":null"
  sub(/^[^:]*: */, "", email)
  return "{\"exp\":" ends ",\"email\":" email "}"
}
function decoded(token,   parts, i, value, bits, held, result) {
  split(token, parts, ".")
  for (i = 1; i <= length(parts[2]); i++) {
    value = value * 64 + index(base64, substr(parts[2], i, 1)) - 1
    bits += 6
    if (bits >= 8) { bits -= 8; held = int(value / unit[bits]); value = value % unit[bits]; result = result (held in chr ? chr[held] : "?") }
  }
  return result
}`

/**
 * Reads paths from stdin, one on each line. `~` stands for the home directory, and `*` for any name of a folder. Prints the clock, the
 * system, the home directory and the computer. Then it prints `file PATH`, `real PATH` and the outcome of each file that exists, and `end`
 * last. $1 is the program that removes the secrets. If a file is not complete, the script reads it a second time, because an agent may be
 * writing it.
 */
const script = `LC_ALL=C; export LC_ALL
echo "clock $(date +%s)"; echo "os $(uname -s)"; echo "home $HOME"
echo "host $(cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.uuid 2>/dev/null)$(readlink /proc/self/ns/mnt 2>/dev/null)"
program=$1
seal() { awk "$program" "$1" 2>/dev/null; }
show() {
  if [ ! -e "$1" ]; then
    [ ! -d "\${1%/*}" ] || [ -x "\${1%/*}" ] || printf 'file %s\\nbad burn may not read the folder\\n' "$1"
    return 0
  fi
  printf 'file %s\\n' "$1"
  real=$(readlink -f -- "$1" 2>/dev/null) || real=
  printf 'real %s\\n' "\${real:-$1}"
  if [ ! -f "$1" ] || [ ! -r "$1" ]; then echo 'bad burn may not read the file'
  elif [ "$(wc -c <"$1")" -gt ${largest} ]; then echo 'bad the file is too large for a login file'
  elif ! command -v awk >/dev/null 2>&1; then echo 'bad the machine has no awk, with which burn removes the tokens'
  else
    text=$(seal "$1"); [ -n "$text" ] || { sleep 1; text=$(seal "$1"); }
    if [ -n "$text" ]; then printf 'json %s\\n' "$text"; else echo 'bad the file is not complete JSON'; fi
  fi
}
while IFS= read -r path; do
  case $path in '~/'*) path=$HOME/\${path#*/};; esac
  case $path in
    */'*'/*) for each in "\${path%%/\\**}"/*/"\${path#*/\\*/}"; do show "$each"; done ;;
    *) show "$path" ;;
  esac
done
echo end`

/** Returns the logins on a machine. */
export function loginAccess(machine: Pick<Machine, 'transport'>): LoginAccess {
  return {
    async read(paths) {
      const input = paths.map((path) => `${path}\n`).join('')
      const { stdout } = await runOn(machine, ['sh', '-c', script, 'burn', sealProgram], { timeout_ms: timeout, input })
      return parseLogins(stdout)
    },
    renew: (renewal) => renewLogin(machine, renewal),
  }
}

/** Returns the listing in the output of the script; null if the output is incomplete. */
function parseLogins(output: string): LoginListing | null {
  const lines = output.trimEnd().split('\n')
  if (lines.pop() !== 'end') return null
  const head = new Map<string, string>()
  const files: LoginFile[] = []
  for (const line of lines) {
    const [, word = '', value = ''] = /^(\w+) (.*)$/.exec(line) ?? []
    if (word === 'file') files.push({ path: value, real: value, content: null, why: '' })
    const file = files.at(-1)
    if (file === undefined) head.set(word, value)
    else files.splice(-1, 1, { ...file, ...partOf(word, value) })
  }
  const [clock, person = null, os = '', host = ''] = [
    Number(head.get('clock')) * 1000,
    ...['home', 'os', 'host'].map((key) => head.get(key)),
  ]
  return Number.isNaN(clock) || person === null ? null : { clock, person, os, host, files }
}

function partOf(word: string, value: string): Partial<LoginFile> {
  if (word === 'real') return { real: value }
  if (word === 'bad') return { why: value }
  if (word !== 'json') return {}
  const content = parseJson(value)?.value
  return isFields(content) ? { content } : { why: 'the file is not complete JSON' }
}
