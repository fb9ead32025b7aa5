/** The schema of the spec's `models`: the chain of models, further servers, and the limits of checks. */
import * as z from 'zod'
import { exampleChain, ollamaUrl } from '../core/model-settings.ts'
import { defaults } from './defaults.ts'
import { http, key, runnerModel } from './sprint.ts'
import { line, name, timeSpan } from './values.ts'

const step = runnerModel.extend({
  url: http.optional().meta({
    description: 'URL of an OpenAI-compatible endpoint, up to and including `/v1`. Default: Ollama on the computer that runs burn.',
    default: ollamaUrl,
    examples: [ollamaUrl],
  }),
  role: line.meta({ description: 'Role of the step, which burn shows to people.', examples: ['primary'] }),
})

const server = z.strictObject({
  url: http.meta({
    description: 'URL of the server, as its machine sees it, up to and including `/v1`.',
    examples: ['http://127.0.0.1:9000/v1'],
  }),
  machine: name.optional().meta({
    description: 'Machine whose agents use the server. Default: the computer that runs burn.',
    examples: ['mac'],
  }),
  key,
})

const breaker = z.strictObject({
  failures: z
    .int()
    .min(1)
    .optional()
    .meta({
      description: 'Number of consecutive failures after which sprints skip a step of the chain.',
      default: defaults.breakerFailures,
      examples: [3],
    }),
  pause: timeSpan.optional().meta({
    description: 'Time for which sprints then skip the step. The time doubles with each further failure, up to an hour.',
    default: defaults.breakerPause,
    examples: ['1m'],
  }),
})

/** The schema of `models`. */
export const models = z.strictObject({
  chain: z
    .array(step)
    .min(1, 'must have at least one step')
    .optional()
    .meta({
      description:
        'Models of sprints, in the order in which burn tries them. A backend of kind `runner` uses the chain, unless it has `models` or `hermes_home`.',
      examples: [exampleChain],
    }),
  servers: z
    .array(server)
    .optional()
    .meta({
      description:
        'Servers of models that `burn model list` cannot find by itself. It finds the models that the spec and Hermes name, and servers at the default ports of Ollama, llama.cpp, vLLM and LM Studio.',
      default: [],
      examples: [[{ machine: 'mac', url: 'http://127.0.0.1:9000/v1' }]],
    }),
  fresh: timeSpan.optional().meta({
    description: 'If a model answered a worker or a sprint within this time, burn does not check the model.',
    default: defaults.modelFresh,
    examples: ['10m'],
  }),
  timeout: timeSpan
    .optional()
    .meta({ description: 'Timeout of the check of a loaded model.', default: defaults.modelTimeout, examples: ['10s'] }),
  load_timeout: timeSpan
    .optional()
    .meta({ description: 'Timeout of a check that may load the model.', default: defaults.modelLoadTimeout, examples: ['5m'] }),
  breaker: breaker
    .optional()
    .meta({ description: 'Circuit breaker of each model that a runner calls.', examples: [{ failures: 3, pause: '1m' }] }),
})
