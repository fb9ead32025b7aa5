/** Caches of pure functions whose results take long to compute. */

/** Returns a function that calls `make` at its first call, and always returns that result. */
export function once<T>(make: () => T): () => T {
  const memo = memoized(make)
  return () => memo('')
}

/** Returns a function that calls `make` once per key. It keeps every result, so there must be few keys. */
export function memoized<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, { readonly value: T }>()
  return (key) => {
    const known = made.get(key) ?? { value: make(key) }
    made.set(key, known)
    return known.value
  }
}
