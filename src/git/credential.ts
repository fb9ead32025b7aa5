/** Our side of git's credential protocol (gitcredentials): pure; who calls it reads the secret only where it is wanted. */

type Asked = ReadonlyMap<string, string>

/** What git asked on stdin; null where it is not what git writes. */
function parseAsked(input: string): Asked | null {
  if (input.includes('\0') || input.includes('\r')) return null
  const asked = new Map<string, string>()
  for (const line of input.split('\n')) {
    if (line === '') break
    const at = line.indexOf('=')
    if (at < 1) return null
    asked.set(line.slice(0, at), line.slice(at + 1))
  }
  return asked
}

/** Whether git asks for the login of exactly this forge: its protocol, host and port. */
export function asksForForge(question: string, forge_url: string): boolean {
  const asked = parseAsked(question)
  const [protocol, host] = [asked?.get('protocol'), asked?.get('host')]
  if (protocol === undefined || host === undefined || !URL.canParse(forge_url)) return false
  const forge = new URL(forge_url)
  // What else may be in a host (a path, a login) would change what the URL is.
  if (!/^https?$/.test(protocol) || !/^[A-Za-z0-9.:[\]-]+$/.test(host) || !URL.canParse(`${protocol}://${host}`)) return false
  return /^https?:$/.test(forge.protocol) && new URL(`${protocol}://${host}`).origin === forge.origin
}

/** The answer; empty where it could not be written without saying something else. */
export function credentialResponse(username: string, password: string): string {
  const plain = (text: string) => text !== '' && !/[\n\r\0]/.test(text)
  return plain(username) && plain(password) ? `username=${username}\npassword=${password}\n` : ''
}
