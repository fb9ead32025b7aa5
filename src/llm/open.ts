/** Opens a backend of any kind. */
import type { Backend, BackendConfig } from '../core/sprint.ts'
import type { BackendDeps } from './deps.ts'
import { openCli } from './agent-cli.ts'
import { openGateway } from './gateway.ts'
import { openRunner } from './runner.ts'

/** Returns the backend that the spec describes. Reads no key and starts no process until a turn or a probe begins. */
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
