/** Finds the proxy for an HTTP request by the environment variables and the rules of git (libcurl). */
import { BlockList, isIP } from 'node:net'
import { BurnError } from '../core/errors.ts'

/** The environment of burn's process. */
export type Env = Readonly<Record<string, string | undefined>>

/** The names of the variables for each protocol. The first one that is set counts, even if it is empty. */
const variables: Readonly<Record<string, readonly string[]>> = {
  'http:': ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
}

/** The names of all variables of proxies and their exceptions. */
const proxyVariables = [...new Set(Object.values(variables).flat()), 'no_proxy', 'NO_PROXY'] as const

/**
 * The hosts for which burn uses no proxy: a proxy cannot reach the loopback addresses of this machine. libcurl before 7.86 knows no networks,
 * so the list also has the usual address.
 */
const loopback = 'localhost,127.0.0.1,127.0.0.0/8,::1'

/**
 * Returns the proxy for a URL; null if there is none, or if `no_proxy` lists the host. Throws BurnError `proxy_invalid` if a variable has a
 * value that burn cannot use. The error contains no password.
 */
export function proxyFor({ protocol, hostname }: URL, env: Env): URL | null {
  const name = variables[protocol]?.find((each) => env[each] !== undefined)
  const value = name === undefined ? '' : (env[name] ?? '').trim()
  if (name === undefined || value === '' || isListed(hostname, `${loopback},${noProxy(env)}`)) return null
  const text = value.includes('://') ? value : `http://${value}`
  const url = URL.canParse(text) ? new URL(text) : null
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  const what = url === null ? 'is not the address of a proxy' : `has a proxy of the kind ${url.protocol}//`
  throw new BurnError(
    'proxy_invalid',
    `the environment variable ${name} ${what}`,
    `write it like http://proxy.example.com:3128, or add ${hostname} to no_proxy`,
    { exit: 2 },
  )
}

/**
 * Returns the variables that make git use the same proxies as burn. git itself ignores `HTTP_PROXY` in capital letters, and sends requests
 * for loopback addresses to the proxy.
 */
export function gitProxyEnv(env: Env): Readonly<Record<string, string>> {
  const http = env['http_proxy'] ?? env['HTTP_PROXY']
  const isUsed = proxyVariables.some((name) => (env[name] ?? '') !== '')
  if (!isUsed) return {}
  const exceptions = noProxy(env)
  const all = exceptions.trim() === '*' ? '*' : `${loopback}${exceptions === '' ? '' : `,${exceptions}`}`
  return { ...(http === undefined ? {} : { http_proxy: http }), no_proxy: all }
}

function noProxy(env: Env): string {
  return env['no_proxy'] ?? env['NO_PROXY'] ?? ''
}

/** Tells whether a list has the host: as a name, as a domain above the name, as an address, or in a network like `10.0.0.0/8`. */
function isListed(hostname: string, list: string): boolean {
  const host = bare(hostname)
  const family = isIP(host)
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '')
  if (entries.includes('*')) return true
  if (family === 0) return entries.map((entry) => bare(entry).replace(/^\./, '')).some((domain) => `.${host}`.endsWith(`.${domain}`))
  const networks = new BlockList()
  for (const entry of entries.map(bare)) {
    const [address = '', bits] = entry.split('/')
    const type = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const most = type === 'ipv6' ? 128 : 32
    if (isIP(address) !== 0 && /^\d{0,3}$/.test(bits ?? '') && Number(bits ?? most) <= most)
      networks.addSubnet(address, Number(bits ?? most), type)
  }
  return networks.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** Returns a host in lower case, without the brackets of an IPv6 address and without a dot at its end. */
function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]/, '$1')
    .replace(/\.$/, '')
}
