/** The schemas of the spec's `forge`, one for each kind of forge. `src/forge/index.ts` does not compile if a kind has no adapter. */
import * as z from 'zod'
import type { SecretSource } from '../core/secret-source.ts'
import { defaults } from './defaults.ts'
import { argv, line, owner } from './values.ts'

/** The schema of a secret's source: a file, an environment variable or a command. */
export const token = z
  .strictObject({
    file: line.optional().meta({
      description: 'File that contains only the secret. Only you may have access to the file (mode 0600).',
      examples: ['~/.config/burn-fleet/token'],
    }),
    env: line.optional().meta({ description: 'Environment variable that contains the secret.', examples: ['BURN_TOKEN'] }),
    command: argv.optional().meta({ description: 'Command that prints the secret.', examples: [['pass', 'show', 'forge']] }),
  })
  .refine((source) => Object.keys(source).length === 1, 'must have exactly one of "file", "env" and "command"')
  .meta({ minProperties: 1, maxProperties: 1 })

const gitea = z.strictObject({
  kind: z.literal('gitea').meta({ description: 'Gitea or Forgejo.' }),
  url: line.meta({ description: 'Address of the forge, without credentials.', examples: ['https://forge.example.com'] }),
  owner: owner.meta({ description: 'User or organisation that owns the repos.', examples: ['my-org'] }),
  token: token.optional().meta({
    description: 'Where burn reads the API token: a file, a variable or a command. Never write the token itself here.',
    default: defaults.token,
    examples: [defaults.token],
  }),
  headers: z
    .record(
      z
        .string()
        .regex(
          /^(?!(?:accept|authorization|connection|content-.*|cookie2|expect|host|proxy-.*|te|trailer|transfer-encoding|upgrade|user-agent)$)[a-z0-9!#$%&'*+.^_`|~-]+$/i,
          'must be the name of an HTTP header that burn does not set itself',
        ),
      token,
    )
    .optional()
    .meta({
      description:
        'Further HTTP headers of each request to the forge, for example for a proxy that asks for a login. git in sprints sends these headers, too. Each value names the place from which burn reads the secret, as in `token`.',
      examples: [{ 'X-Access-Token': { file: '~/.config/burn-fleet/access' } }],
    }),
  ca_file: line.optional().meta({
    description:
      'File with the certificates (PEM) of the CAs that burn, and git in sprints, trust for the forge. These certificates replace the certificates of the system. A relative path starts at the folder of the spec.',
    examples: ['~/.config/burn-fleet/ca.pem'],
  }),
  requests_per_minute: z
    .int()
    .min(1)
    .nullable()
    .optional()
    .meta({
      description:
        'Maximum number of requests per minute from one burn process. burn delays further requests, and reports the delay. Choose a number below the limit of the forge. `null`: no limit.',
      default: null,
      examples: [300],
    }),
})

const folder = z.strictObject({
  kind: z.literal('folder').meta({ description: 'Folder with Markdown issues and bare git repositories. Needs no server.' }),
  path: line.meta({ description: 'Path of the folder. A relative path starts at the folder of the spec.', examples: ['~/burn'] }),
  owner: owner
    .optional()
    .meta({ description: 'Owner in the names of the repos, `owner/name`.', default: defaults.folderOwner, examples: ['local'] }),
})

/** The schema of `forge`. */
export const forge = z.discriminatedUnion('kind', [gitea, folder])

export type WrittenForge = z.infer<typeof forge>
export type ForgeKind = WrittenForge['kind']

/** The settings of a forge after `spec/complete` filled in the defaults: every kind has an owner, and a server has a token. */
type Complete<Written extends WrittenForge> = Omit<Written, 'owner' | 'token' | 'headers' | 'ca_file'> & {
  readonly owner: string
} & (Written extends {
    readonly url: string
  }
    ? { readonly token: SecretSource; readonly headers?: Readonly<Record<string, SecretSource>>; readonly ca_file?: string }
    : unknown)

/** The settings that burn passes to the adapter of each kind of forge. */
export type ForgeSettings = { readonly [Kind in ForgeKind]: Complete<Extract<WrittenForge, { readonly kind: Kind }>> }
