/**
 * Removes secrets from text: known secrets, in each encoding in which programs print them, and texts that look like a secret. A whole text
 * is processed as a stream with a single piece, so the result does not depend on the size of the pieces. The time is linear in the text:
 * every pattern begins with fixed letters, and each repetition after them is bounded.
 */

const mark = '[redacted]'
/** The minimum length of a secret. Ordinary text would contain shorter secrets everywhere. */
const shortest = 4
/** The minimum length of a base64 form. Shorter forms would occur in ordinary words. */
const shortestEncoded = 6

/** Redacts a text that comes in pieces. */
export interface RedactingStream {
  /** Adds a piece, and returns the text that can no longer be part of a secret. */
  push(chunk: string): string
  /** Returns the rest of the text. */
  end(): string
}

/** How a replacement text is made for a secret. A long secret may arrive in several parts. */
interface Cover {
  /** Returns the replacement for a secret, or for the first part of a long secret. */
  readonly first: (secret: string) => string
  /** Returns the replacement for a later part of the same secret. */
  readonly further: (part: string) => string
}

const marked: Cover = { first: () => mark, further: () => '' }

const stars = (secret: string) => secret.replace(/[^\n]/g, '*')
const starred: Cover = { first: stars, further: stars }

/** Returns a function that redacts the given secrets in a whole text. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  return redactorWith(secrets, marked)
}

/**
 * Returns a function that replaces each character of a secret by `*`. The text keeps its length and its line breaks, so positions in the
 * text stay valid.
 */
export function masker(secrets: readonly string[]): (text: string) => string {
  return redactorWith(secrets, starred)
}

function redactorWith(secrets: readonly string[], cover: Cover): (text: string) => string {
  return (text) => {
    const stream = redactingStream(secrets, cover)
    return stream.push(text) + stream.end()
  }
}

/** Returns a copy of a JSON value in which every text is redacted. */
export function redactTexts<T>(value: T, redact: (text: string) => string): T {
  // The copy has the same fields as the value, so it has the same type.
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => (typeof each === 'string' ? redact(each) : each)) as T
}

/** Returns a redactor of whole texts, and a function that adds secrets to it. */
export function growingRedactor(secrets: readonly string[]): {
  readonly redact: (text: string) => string
  readonly hide: (secrets: readonly string[]) => void
} {
  const all = new Set(secrets)
  return { redact: (text) => redactor([...all])(text), hide: (more) => more.forEach((secret) => all.add(secret)) }
}

/**
 * Returns a redactor for a text that comes in pieces. It holds back an unfinished line, because a secret may continue in the next piece.
 */
export function redactingStream(secrets: readonly string[], cover: Cover = marked): RedactingStream {
  const known = redactKnown(secrets, cover)
  const patterns = redactByPattern(cover)
  return {
    push: (chunk) => patterns.push(known.push(chunk)),
    end: () => patterns.push(known.end()) + patterns.end(),
  }
}

function redactKnown(secrets: readonly string[], cover: Cover): RedactingStream {
  const forms = [...new Set(secrets.filter((secret) => secret.length >= shortest).flatMap(formsOf))].sort((a, b) => b.length - a.length)
  const longest = forms[0]?.length ?? 0
  const pattern = longest === 0 ? null : new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
  let held = ''

  /**
   * Returns the position of the first unfinished form of a secret, which the next piece may complete. A shorter form may already be
   * complete at this position.
   */
  function firstIncomplete(): number {
    for (let at = Math.max(0, held.length - longest + 1); at < held.length; at++) {
      const tail = held.slice(at)
      if (forms.some((form) => form.length > tail.length && form.startsWith(tail))) return at
    }
    return held.length
  }

  /** Returns the text up to `end`, redacted, and drops it from `held`. A match that begins before `end` is redacted as a whole. */
  function take(end: number): string {
    let out = ''
    let from = 0
    if (pattern !== null) {
      pattern.lastIndex = 0
      for (let match = pattern.exec(held); match !== null && match.index < end; match = pattern.exec(held)) {
        out += held.slice(from, match.index) + cover.first(match[0])
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
      return take(firstIncomplete())
    },
    end: () => take(held.length),
  }
}

/**
 * Returns the encoded forms of a secret: unchanged, in a URL, in JSON, in JSON within JSON, and in base64. Base64 has three forms, one for
 * each offset of the secret in a longer text.
 */
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

/** Patterns of secrets. The first group is the part of the match that is not secret. */
const secretPatterns: readonly RegExp[] = [
  /\b(authorization["']?[ \t]{0,4}[:=][ \t]{0,4}["']?)(?:[a-z]{3,12} {1,4})?[^\s"',;\\]{4,}/gi,
  /\b(bearer[ \t]{1,4})[\w.~+/=-]{8,}/gi,
  /\b()sk-[\w-]{16,}/g,
  /\b()gh[pousr]_[A-Za-z0-9]{16,}/g,
  /\b()github_pat_\w{16,}/g,
  /\b()glpat-[\w-]{16,}/g,
  /\b()xox[a-z]-[\w-]{10,}/g,
  /\b()A(?:KIA|SIA)[0-9A-Z]{16}\b/g,
  /\b()AIza[\w-]{30,}/g,
  /\b()(?:hf|npm)_[A-Za-z0-9]{30,}/g,
  /\b()eyJ[\w-]{10,512}\.eyJ[\w-]{10,4096}\.[\w-]{10,}/g,
  /(:\/\/)[^\s/@:"'<>]{0,256}:[^\s/@"'<>]{1,1024}(?=@)/g,
]
const keyBegins = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/
const keyEnds = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----/

/**
 * Returns a redactor that applies `secretPatterns` to whole lines. Only a private key spans several lines; everything between its first and
 * its last line is left out.
 */
function redactByPattern(cover: Cover): RedactingStream {
  const held: string[] = []
  let inKey = false
  const covered = (text: string, pattern: RegExp) =>
    text.replace(pattern, (match: string, kept: string) => kept + cover.first(match.slice(kept.length)))
  const lines = (text: string): string => {
    let out = ''
    for (let rest = text; rest !== '';) {
      const edge = (inKey ? keyEnds : keyBegins).exec(rest)
      const before = edge === null ? rest : rest.slice(0, edge.index)
      out += inKey ? cover.further(before) : secretPatterns.reduce(covered, before)
      if (edge === null) break
      out += inKey ? cover.further(edge[0]) : cover.first(edge[0])
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
