/**
 * Sends HTTP requests from a machine of the fleet, because `127.0.0.1` on that machine is another server than here. burn runs curl there. If
 * the machine has no curl, burn sends the request through ssh.
 */
import type { MachineKey } from '../core/model.ts'
import type { Machine } from '../core/nouns.ts'
import type { Env } from './proxy.ts'
import { BurnError } from '../core/errors.ts'
import { openFetch, type Fetch, type FetchInit } from './fetch.ts'
import { randomHex } from './random.ts'
import { runOn } from './run-on.ts'
import { fetchThroughSsh } from './ssh-forward.ts'
import { explainTransportFailure } from './transport-failure.ts'

/** The maximum size of a response (bytes). */
const maxBytes = 5 * 1024 * 1024
/** The timeout (ms) of a request without its own. */
const longest = 30_000
/** The time (ms) by which curl gives up earlier than burn, so that burn learns how far curl came. */
const lead = 500

/**
 * Returns a function that sends requests from a machine. The function throws BurnError `no_route` if burn cannot reach the machine, or if the
 * machine has no curl and allows no forwarding. It follows no redirect. `key`: a key on the machine, which curl sends and burn does not read.
 */
export function machineFetch(machine: Pick<Machine, 'name' | 'transport'>, env: Env, key: MachineKey | null = null): Fetch {
  if (machine.transport.kind === 'local') return openFetch(env)
  let hasCurl = true
  return async (url, init) => {
    if (hasCurl) {
      const response = await fetchWithCurl(machine, { url, key }, init)
      if (response !== null) return response
      hasCurl = false
    }
    if (machine.transport.kind === 'ssh' && key === null) return fetchThroughSsh(machine, url, init)
    const hint = 'install curl on that machine'
    throw new BurnError('no_route', `${machine.name} has no curl, with which burn sends requests from there`, hint)
  }
}

/** The time (ms) for which burn waits until ssh is connected. */
const connectTime = 15_000

/** Returns a signal that aborts with `signal`, except for a timeout: curl measures the time itself, without the time that ssh needs. */
function stopOf(signal: AbortSignal | null | undefined): AbortSignal {
  const control = new AbortController()
  const abort = () => {
    if (signal?.reason instanceof DOMException && signal.reason.name === 'TimeoutError') return
    control.abort(signal?.reason)
  }
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  return control.signal
}

/**
 * The arguments: a unique word, which marks the exit code of curl; the timeout (s); the home of Hermes; the variable with the key. Without a
 * variable, the key is the one for Nous. `printf` is a part of the shell, so the key is in no process list.
 */
const script = String.raw`
word=$1 home=$3 variable=$4
command -v curl >/dev/null 2>&1 || { printf '\n%s none\n' "$word"; exit 0; }
case $home in '~'*) home=$HOME${'$'}{home#'~'} ;; esac
key() {
  if [ -z "$variable" ]; then
    tr -d '\n' <"$home/auth.json" | sed -n 's/.*"agent_key"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p'
    return
  fi
  value=$(sed -n "s/^[[:space:]]*\(export[[:space:]]*\)\{0,1\}$variable[[:space:]]*=[[:space:]]*//p" "$home/.env" | tail -n 1)
  [ -n "$value" ] || value=$(printenv "$variable")
  printf '%s' "$value" | tr -d "\"'[:space:]"
}
send() {
  [ -z "$home" ] || printf 'header = "authorization: Bearer %s"\n' "$(key 2>/dev/null)"
  cat
}
send | curl -q -sS -i -g --http1.1 --suppress-connect-headers --max-redirs 0 --max-time "$2" -K -
printf '\n%s %s\n' "$word" "$?"`

/** Returns null if the machine has no curl. The request goes through the standard input of curl, so its key is in no process list. */
async function fetchWithCurl(
  machine: Pick<Machine, 'name' | 'transport'>,
  { url, key }: { readonly url: string; readonly key: MachineKey | null },
  init: FetchInit,
): Promise<Response | null> {
  const word = `burn-${randomHex(12)}`
  const timeout = init.timeout_ms ?? longest
  const seconds = String(Math.max(lead, timeout - lead) / 1000)
  const result = await runOn(machine, ['sh', '-c', script, 'burn', word, seconds, key?.home ?? '', key?.variable ?? ''], {
    input: curlConfig(url, init),
    timeout_ms: timeout + connectTime,
    max_bytes: maxBytes,
    signal: stopOf(init.signal),
  })
  if (result.stopped === 'too_much')
    throw new BurnError(
      'too_much',
      `the answer is larger than ${maxBytes / 1024 / 1024} MiB`,
      'find out why the endpoint sends so much data',
    )
  const end = result.stdout.lastIndexOf(`\n${word} `)
  if (end < 0) {
    if (result.stopped !== null) throw timeoutError('the machine did not answer in time')
    const { reason, hint } = explainTransportFailure(result.stderr, result.code)
    throw new BurnError('no_route', `burn cannot reach ${machine.name}: ${reason}`, hint)
  }
  const code = result.stdout.slice(end + word.length + 2).trim()
  return code === 'none' ? null : responseOf(result.stdout.slice(0, end), Number(code), result.stderr)
}

function curlConfig(url: string, { headers, body }: FetchInit): string {
  const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`
  const lines = [...new Headers(headers)].map(([name, value]) => `header = ${quoted(`${name}: ${value}`)}`)
  return [`url = ${quoted(url)}`, ...lines, ...(typeof body === 'string' ? [`data-raw = ${quoted(body)}`] : []), ''].join('\n')
}

/** The exit codes of curl that say how far it came. */
const errors: Readonly<Record<number, string>> = { 6: 'ENOTFOUND', 7: 'ECONNREFUSED', 28: 'ETIMEDOUT', 35: 'ERR_TLS', 60: 'ERR_TLS_CERT' }
const timedOut = 28

/** Parses the output of `curl -i`. Throws an error with a code of Node's network errors if curl received no response. */
function responseOf(output: string, code: number, stderr: string): Response {
  const [status, headers, body] = parseHttp(output)
  const reason = /^curl: \(\d+\) (.*)/m.exec(stderr)?.[1] ?? ''
  if (status === null) {
    if (code === timedOut) throw timeoutError(reason)
    throw Object.assign(new Error(reason === '' ? `curl ended with exit code ${code}` : reason), { code: errors[code] ?? 'ECONNRESET' })
  }
  if (status >= 300 && status < 400) throw new TypeError('unexpected redirect')
  if (code === 0) return new Response([101, 204, 205, 304].includes(status) ? null : body, { status, headers })
  const broken = code === timedOut ? timeoutError('the answer did not end in time') : new Error(`the answer broke off: ${reason}`)
  return new Response(new ReadableStream({ start: (control) => control.error(broken) }), { status, headers })
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}

/** Returns the status, the headers and the body of the last response in the output. The status is null if there is no response. */
function parseHttp(output: string): [number | null, Headers, string] {
  let rest = output
  for (;;) {
    const match = /^HTTP\/[\d.]+ (\d{3})[^\n]*\n((?:[^\r\n]+\r?\n)*)\r?\n/.exec(rest)
    if (match === null) return [null, new Headers(), '']
    rest = rest.slice(match[0].length)
    const status = Number(match[1])
    if (status < 200) continue
    const headers = new Headers()
    for (const line of (match[2] ?? '').split(/\r?\n/)) {
      const [, name = '', value = ''] = /^([\w-]+):\s*([\t\x20-\x7e]*)$/.exec(line) ?? []
      if (name !== '') headers.append(name, value)
    }
    return [status, headers, rest]
  }
}
