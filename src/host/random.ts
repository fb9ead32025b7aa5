/** Makes random identifiers without Node's crypto module, because loading that module slows down every start of burn. */
import { closeSync, openSync, readSync } from 'node:fs'

/** Returns `bytes` cryptographically random bytes as hexadecimal digits, two for each byte. */
export function randomHex(bytes: number): string {
  const source = openSync('/dev/urandom', 'r')
  try {
    const buffer = Buffer.alloc(bytes)
    readSync(source, buffer)
    return buffer.toString('hex')
  } finally {
    closeSync(source)
  }
}
