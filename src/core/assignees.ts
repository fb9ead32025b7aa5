/** Compares logins of a forge. The case of a login does not matter. */

/** Returns true if two logins name the same account. */
export function isSameLogin(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/** Returns true if two lists have the same logins, in any order. */
export function hasSameLogins(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((login) => others.some((other) => isSameLogin(login, other)))
}
