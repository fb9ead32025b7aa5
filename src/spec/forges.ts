/** The schemas of the spec's `forge`, one for each kind. `src/forge/index.ts` has the adapters, and does not compile if one is missing. */
import * as z from 'zod'
import type { SecretSource } from '../core/nouns.ts'
import { defaults } from './defaults.ts'
import { argv, line, owner } from './values.ts'

/** The schema of the place of a secret. */
export const token = z
  .strictObject({
    file: line.optional().meta({
      description: 'File that contains only the secret, and that only you can read (mode 0600).',
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
  token: token
    .optional()
    .meta({ description: 'Place of the API token, never the token itself.', default: defaults.token, examples: [defaults.token] }),
  requests_per_minute: z
    .int()
    .min(1)
    .nullable()
    .optional()
    .meta({
      description:
        'Maximum number of requests per minute from one process. Further requests wait, and burn reports it. Stay below the limit of the forge. `null`: no limit.',
      default: null,
      examples: [300],
    }),
})

const folder = z.strictObject({
  kind: z.literal('folder').meta({ description: 'Folder with Markdown issues and bare git repositories. Needs no server.' }),
  path: line.meta({ description: 'Path of the folder. A relative path starts at the folder of the spec.', examples: ['~/burn'] }),
  owner: owner
    .optional()
    .meta({ description: 'Owner in the names of repos, `owner/name`.', default: defaults.folderOwner, examples: ['local'] }),
})

/** The schema of `forge`. */
export const forge = z.discriminatedUnion('kind', [gitea, folder])

export type WrittenForge = z.infer<typeof forge>
export type ForgeKind = WrittenForge['kind']

/** The settings with their defaults (`spec/complete`): every kind has an owner, and a server has a token. */
type Complete<Written extends WrittenForge> = Omit<Written, 'owner' | 'token'> & { readonly owner: string } & (Written extends {
    readonly url: string
  }
    ? { readonly token: SecretSource }
    : unknown)

/** The settings that the adapter of each kind gets. */
export type ForgeSettings = { readonly [Kind in ForgeKind]: Complete<Extract<WrittenForge, { readonly kind: Kind }>> }
