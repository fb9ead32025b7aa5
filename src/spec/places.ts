/** Places of the fleet's own files. This module is small, because completion loads it at each Tab. */
import type { WrittenSpec } from './schema.ts'
import { defaults } from './defaults.ts'

/** Returns the path of one of burn's own files on this computer, such as the token (`config`) or the ledger (`state`). */
export type OwnFile = (kind: 'config' | 'state', name: string) => string

/** Returns the name of the fleet. */
export function fleetName(spec: Pick<WrittenSpec, 'name'>): string {
  return spec.name ?? defaults.name
}

/**
 * Returns the address of the ledger, with `~` replaced. burn needs the address before it calls `completeSpec`, because `completeSpec` needs
 * the workers in the ledger.
 */
export function ledgerOf(
  spec: Pick<WrittenSpec, 'name' | 'ledger'>,
  { home, ownFile }: { readonly home: string; readonly ownFile: OwnFile },
): string {
  const written = spec.ledger ?? `sqlite:${ownFile('state', `${fleetName(spec)}.db`)}`
  return written.replace(/^sqlite:~(?=\/)/, `sqlite:${home}`)
}
