/**
 * Takes secrets out of text: those that are known, in the forms in which programs print them, and whatever has the shape of one. Whole texts go the same
 * way as streams, so that both say the same however a stream was cut. Linear in the text: every pattern begins with fixed letters, and what may fail after them is bounded.
 */

const mark = '[redacted]'
/** Anything shorter would be found everywhere. */
const shortest = 4
/** Base64 of less than this is too short to mean anything. */
const shortestEncoded = 6

/** Text comes in pieces; what can't yet begin a secret comes out. */
export interface RedactingStream {
  push(chunk: string): string
  /** The rest. */
  end(): string
}

/** A function that takes the given secrets out of whole texts. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  return (text) => {
    const stream = redactingStream(secrets)
    return stream.push(text) + stream.end()
  }
}

/** The same for a text that comes in pieces: it holds back the line that has not ended, since a secret may go on in the next piece. */
export function redactingStream(secrets: readonly string[]): RedactingStream {
  const known = knownSecrets(secrets)
  const shaped = shapedSecrets()
  return {
    push: (chunk) => shaped.push(known.push(chunk)),
    end: () => shaped.push(known.end()) + shaped.end(),
  }
}

function knownSecrets(secrets: readonly string[]): RedactingStream {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= shortest).flatMap(formsOf))].sort((a, b) => b.length - a.length)
  const longest = forms[0]?.length ?? 0
  const pattern = longest === 0 ? null : new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
  let held = ''

  /** Where the first form begins that may yet be completed, or a longer one of which a whole one is the begin. */
  function open(): number {
    for (let at = Math.max(0, held.length - longest + 1); at < held.length; at++) {
      const tail = held.slice(at)
      if (forms.some((form) => form.length > tail.length && form.startsWith(tail))) return at
    }
    return held.length
  }

  /** What begins before `end` is decided. */
  function take(end: number): string {
    let out = ''
    let from = 0
    if (pattern !== null) {
      pattern.lastIndex = 0
      for (let match = pattern.exec(held); match !== null && match.index < end; match = pattern.exec(held)) {
        out += held.slice(from, match.index) + mark
        from = pattern.lastIndex
      }
    }
    const to = Math.max(from, end)
    out += held.slice(from, to)
    held = held.slice(to)
    return out
  }
  return {
    push(chunk) {
      held += chunk
      return take(open())
    },
    end: () => take(held.length),
  }
}

/** A secret as it is, in a URL, in JSON (and in JSON within JSON), and in base64 at any of its three places in a longer text. */
function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret.toWellFormed())
  const json = JSON.stringify(secret).slice(1, -1)
  const plain = [secret, url, url.replace(/%../g, (code) => code.toLowerCase()), json, JSON.stringify(json).slice(1, -1)]
  const bytes = Buffer.from(secret)
  const encoded = [0, 1, 2].flatMap((place) => {
    const text = Buffer.concat([Buffer.alloc(place), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const clean = (place + bytes.length) % 3 === 0
    const inner = text.slice([0, 2, 3][place], clean ? undefined : -1)
    return inner.length < shortestEncoded ? [] : [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  return [...plain, ...encoded, bytes.toString('base64')]
}

/** What is kept of a match, and what of it is secret. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\b(authorization["']?[ \t]{0,4}[:=][ \t]{0,4}["']?)(?:[a-z]{3,12} {1,4})?[^\s"',;\\]{4,}/gi, `$1${mark}`],
  [/\b(bearer[ \t]{1,4})[\w.~+/=-]{8,}/gi, `$1${mark}`],
  [/\bsk-[\w-]{16,}/g, mark],
  [/\bgh[pousr]_[A-Za-z0-9]{16,}/g, mark],
  [/\bgithub_pat_\w{16,}/g, mark],
  [/\bglpat-[\w-]{16,}/g, mark],
  [/\bxox[a-z]-[\w-]{10,}/g, mark],
  [/\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g, mark],
  [/\bAIza[\w-]{30,}/g, mark],
  [/(:\/\/)[^\s/@:"'<>]{0,256}:[^\s/@"'<>]{1,1024}@/g, `$1${mark}@`],
]
const keyBegins = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/
const keyEnds = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/

/** Whole lines: only a private key goes over more than one, and what is between its ends is left out. */
function shapedSecrets(): RedactingStream {
  const held: string[] = []
  let inKey = false
  const lines = (text: string): string => {
    let out = ''
    for (let rest = text; rest !== '';) {
      const edge = (inKey ? keyEnds : keyBegins).exec(rest)
      if (!inKey)
        out += shapes.reduce((all, [pattern, kept]) => all.replace(pattern, kept), edge === null ? rest : rest.slice(0, edge.index))
      if (edge === null) break
      if (!inKey) out += mark
      inKey = !inKey
      rest = rest.slice(edge.index + edge[0].length)
    }
    return out
  }
  return {
    push(chunk) {
      const end = chunk.lastIndexOf('\n') + 1
      if (end === 0) {
        if (chunk !== '') held.push(chunk)
        return ''
      }
      const whole = held.splice(0).join('') + chunk.slice(0, end)
      if (end < chunk.length) held.push(chunk.slice(end))
      return lines(whole)
    },
    end: () => lines(held.splice(0).join('')),
  }
}
