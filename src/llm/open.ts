/** The one way to a backend. */
import type { Backend, BackendConfig } from '../core/sprint.ts'
import type { BackendDeps } from './deps.ts'
import { openCli } from './agent-cli.ts'
import { openGateway } from './gateway.ts'
import { openRunner } from './runner.ts'

/** A backend as the spec describes it. Opening it reads and starts nothing: keys are read, and programs looked for, when they are needed. */
export function openBackend(config: BackendConfig, deps: BackendDeps): Backend {
  switch (config.kind) {
    case 'gateway':
      return openGateway(config, deps)
    case 'cli':
      return openCli(config, deps)
    case 'runner':
      return openRunner(config, deps)
  }
}
