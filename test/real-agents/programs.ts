/** The real programs: where they come from, and how each is pointed at a model server on loopback, with a home of its own. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** How one is started: its words after the program, its variables, and files in its home. */
export interface Setting {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, object | string>>
}

export interface Program {
  readonly kind: string
  /** In the npm registry, with the version that the readers were made for. */
  readonly packaged: string
  readonly bin: string
  setting(url: string, dir: string): Setting
}

const key = 'sk-ant-api03-stub-key-for-tests-0123456789'

export const programs: readonly Program[] = [
  {
    kind: 'claude',
    packaged: '@anthropic-ai/claude-code@2.1.197',
    bin: 'claude',
    setting: (url, dir) => ({
      args: [],
      env: { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key, DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
      files: {
        '.claude.json': {
          hasCompletedOnboarding: true,
          customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
          projects: { [dir]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true } },
        },
      },
    }),
  },
  {
    kind: 'codex',
    packaged: '@openai/codex@0.169.0',
    bin: 'codex',
    setting: (url, dir) => ({
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
          `[projects."${dir}"]`,
          'trust_level = "trusted"',
          '',
        ].join('\n'),
      },
    }),
  },
  {
    kind: 'opencode',
    packaged: 'opencode-ai@1.18.33',
    bin: 'opencode',
    setting: (url) => ({
      args: [],
      env: {},
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
    packaged: '@google/gemini-cli@0.61.0',
    bin: 'gemini',
    setting: (url) => ({
      // A model that is named needs no other model to choose one.
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
    packaged: '@qwen-code/qwen-code@0.15.10',
    bin: 'qwen',
    setting: (url) => ({
      args: [],
      env: { OPENAI_API_KEY: key, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'stub' },
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
    packaged: '@mariozechner/pi-coding-agent@0.73.1',
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

/** Where a program is kept, once it was installed. */
export function binOf({ kind, packaged, bin }: Program, cache: string): string {
  return join(cache, `${kind}-${packaged.slice(packaged.lastIndexOf('@') + 1)}`, 'node_modules/.bin', bin)
}

export function isInstalled(program: Program, cache: string): boolean {
  return existsSync(binOf(program, cache))
}

/** Writes the files of a setting below a home; JSON where they are objects. */
export function writeHome(home: string, { files }: Setting): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(home, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  }
}
