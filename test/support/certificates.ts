/** Makes a private certificate authority, and a certificate of it for a server. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files of a private CA, with the key and certificate of one server. */
export interface Certificates {
  /** The path of the CA's certificate. */
  readonly ca_file: string
  readonly key: string
  readonly cert: string
}

/** Writes a new CA and a certificate for these host names into the folder. */
export function makeCertificates(dir: string, hosts: readonly string[]): Certificates {
  const at = (name: string) => join(dir, name)
  const openssl = (...words: readonly string[]) => execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const newKey = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(...newKey, '-x509', '-days', '2', '-subj', '/CN=Private CA', '-keyout', at('ca.key'), '-out', at('ca.pem'))
  openssl(...newKey, '-subj', `/CN=${hosts[0]}`, '-keyout', at('server.key'), '-out', at('server.csr'))
  writeFileSync(at('names'), `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}\n`)
  const issuer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial']
  openssl('x509', '-req', '-days', '2', '-in', at('server.csr'), ...issuer, '-extfile', at('names'), '-out', at('server.pem'))
  return { ca_file: at('ca.pem'), key: readFileSync(at('server.key'), 'utf8'), cert: readFileSync(at('server.pem'), 'utf8') }
}
