/**
 * Implements burn's side of git's credential protocol (gitcredentials). Does no I/O: the caller reads the secret only if git asks for it.
 */

type CredentialRequest = ReadonlyMap<string, string>

/** Parses git's request for a credential. Returns null if the request is malformed. */
function parseRequest(input: string): CredentialRequest | null {
  if (input.includes('\0') || input.includes('\r')) return null
  const request = new Map<string, string>()
  for (const line of input.split('\n')) {
    if (line === '') break
    const at = line.indexOf('=')
    if (at < 1) return null
    request.set(line.slice(0, at), line.slice(at + 1))
  }
  return request
}

/** Tells whether git's request is for this forge, with the same protocol, host and port. */
export function asksForForge(question: string, forge_url: string): boolean {
  const request = parseRequest(question)
  const [protocol, host] = [request?.get('protocol'), request?.get('host')]
  if (protocol === undefined || host === undefined || !URL.canParse(forge_url)) return false
  const forge = new URL(forge_url)
  // If the host contained a path or a login, the URL built from the host would name another server.
  if (!/^https?$/.test(protocol) || !/^[A-Za-z0-9.:[\]-]+$/.test(host) || !URL.canParse(`${protocol}://${host}`)) return false
  return /^https?:$/.test(forge.protocol) && new URL(`${protocol}://${host}`).origin === forge.origin
}

/** Returns the answer to git's request. Returns an empty answer if a value has a character that would change the meaning of the answer. */
export function credentialResponse(username: string, password: string): string {
  const isValid = (text: string) => text !== '' && !/[\n\r\0]/.test(text)
  return isValid(username) && isValid(password) ? `username=${username}\npassword=${password}\n` : ''
}
