/** Where burn reads a secret: a file, an environment variable, or the output of a command. */
export type SecretSource = { readonly file: string } | { readonly env: string } | { readonly command: readonly string[] }
