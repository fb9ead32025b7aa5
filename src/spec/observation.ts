/** The schemas of the settings by which burn observes the fleet: `telemetry`, `snapshot`, `health` and `prices`. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { hours, line, size, timeSpan } from './values.ts'

/** The schema of `telemetry`. */
export const telemetry = z.strictObject({
  interval: timeSpan.optional().meta({
    description: 'Pause between two samples of machines and workers. `burn dispatch --cycles 0` takes these samples.',
    default: defaults.telemetryInterval,
    examples: ['5m'],
  }),
  waiting_after: timeSpan.optional().meta({
    description: 'Time after which burn reports a worker that waits for an answer.',
    default: defaults.waitingAfter,
    examples: ['2m'],
  }),
  keep_samples: timeSpan.optional().meta({
    description: 'Time for which the ledger keeps single samples. After this time it keeps only a summary of each hour.',
    default: defaults.keepSamples,
    examples: ['7d'],
  }),
  keep: timeSpan.optional().meta({
    description: 'Time for which the ledger keeps the states of workers and the hourly summaries.',
    default: defaults.keepTelemetry,
    examples: ['365d'],
  }),
})

/** The schema of `snapshot`. */
export const snapshotSettings = z.strictObject({
  interval: timeSpan.optional().meta({
    description: 'Pause between two snapshots of all panes. `burn dispatch --cycles 0` saves these snapshots.',
    default: defaults.snapshotInterval,
    examples: ['1h'],
  }),
  dir: line.optional().meta({
    description: 'Folder that contains the saved snapshots. git must not track it. Default: `~/.local/state/burn-fleet/<name>/snapshots`.',
    examples: ['~/fleet-snapshots'],
  }),
  keep: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .meta({ description: 'Number of saved snapshots to keep. burn deletes older ones.', default: defaults.snapshotKeep, examples: [24] }),
})

/** The schema of `drift`. */
export const drift = z.strictObject({
  remedy: z
    .enum(['report', 'command', 'restart'])
    .optional()
    .meta({
      description:
        'Strongest remedy that burn may use for an agent that runs with other settings than it should. burn uses the weakest remedy that works, and never interrupts a turn. `report`: none. `command`: a command of the agent program that changes the model of the running agent (Hermes: `/model`). `restart`: also a restart of an idle agent.',
      default: defaults.driftRemedy,
      examples: ['restart'],
    }),
  attempts: z
    .int()
    .min(1)
    .max(20)
    .optional()
    .meta({
      description: 'Maximum number of remedies for one worker in 24 hours. Then burn records the event `drift.escalated`.',
      default: defaults.driftAttempts,
      examples: [3],
    }),
})

/** The description of `drift`. */
export const driftMeta = {
  description: 'Remedies for agents that run another model than they should (docs/how-to/models.md).',
  examples: [{ remedy: 'command' }],
}

/** The description of `worker`. */
export const workerMeta = {
  description: 'Thresholds for the lives of workers (docs/how-to/lifecycle.md).',
  examples: [{ silent_after: '12h' }],
}

/** The schema of `worker`. */
export const workerSettings = z.strictObject({
  silent_after: timeSpan.optional().meta({
    description: 'Time without a sign of life after which a worker with work is silent. A worker without work is never silent.',
    default: defaults.silentAfter,
    examples: ['24h'],
  }),
})

/** The schema of `logins`. */
export const loginSettings = z.strictObject({
  refresh: z
    .boolean()
    .optional()
    .meta({
      description:
        'Whether `burn dispatch --cycles 0` runs the command with which an agent renews its login, on the machine of the login. Only Hermes has such a command.',
      default: defaults.loginRefresh,
      examples: [false],
    }),
  night: hours.optional().meta({
    description:
      'Hours of the night. At their beginning, burn warns of logins that end before their end and that nothing renews. `notify.zone` is their time zone.',
    default: defaults.loginNight,
    examples: ['20:00-08:00'],
  }),
})

/** The schema of `health`: the thresholds of `burn health`. */
export const health = z.strictObject({
  dispatcher: timeSpan.optional().meta({
    description: 'Time without a cycle after which no dispatcher counts as running.',
    default: defaults.healthDispatcher,
    examples: ['15m'],
  }),
  idle: timeSpan.optional().meta({
    description: 'Time for which a worker may be idle while issues of its repos wait.',
    default: defaults.healthIdle,
    examples: ['15m'],
  }),
  no_tokens: timeSpan
    .optional()
    .meta({ description: 'Time for which an agent may work without using tokens.', default: defaults.healthNoTokens, examples: ['30m'] }),
  turn: timeSpan.optional().meta({ description: 'Longest normal turn of an agent.', default: defaults.healthTurn, examples: ['2h'] }),
  no_change: timeSpan.optional().meta({
    description: 'Time for which agents may work until a change is opened or merged.',
    default: defaults.healthNoChange,
    examples: ['6h'],
  }),
  sprint_success: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .meta({
      description: 'Smallest normal share of sprints that end with a change.',
      default: defaults.healthSprintSuccess,
      examples: [0.5],
    }),
  waiting: timeSpan
    .optional()
    .meta({ description: 'Time for which an agent may wait for an answer.', default: defaults.healthWaiting, examples: ['30m'] }),
  free_disk: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .meta({ description: 'Smallest normal share of free disk space of a machine.', default: defaults.healthFreeDisk, examples: [0.1] }),
  free_memory: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .meta({ description: 'Smallest normal share of free memory of a machine.', default: defaults.healthFreeMemory, examples: [0.1] }),
  clock_offset: timeSpan.optional().meta({
    description: 'Largest normal difference between the clocks of a machine and of burn.',
    default: defaults.healthClockOffset,
    examples: ['30s'],
  }),
  ledger_size: size
    .optional()
    .meta({ description: 'Largest normal size of the ledger.', default: defaults.healthLedgerSize, examples: ['2GB'] }),
})

const usd = z.number().nonnegative()

const modelPrice = z.strictObject({
  in: usd.meta({ description: 'US dollars per million input tokens.', examples: [0.3] }),
  out: usd.meta({ description: 'US dollars per million output tokens.', examples: [1.2] }),
  cache_read: usd.optional().meta({
    description: 'US dollars per million input tokens that the provider read from its cache. Default: the value of `in`.',
    examples: [0.03],
  }),
  cache_write: usd.optional().meta({
    description: 'US dollars per million input tokens that the provider wrote to its cache. Default: the value of `in`.',
    examples: [0.375],
  }),
})

/** The schema of `prices`. */
export const prices = z.record(line, z.union([modelPrice, z.literal('subscription')], 'must be an object with prices, or "subscription"'))
