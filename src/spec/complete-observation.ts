/** Fills in the defaults of the settings by which burn observes the fleet. */
import type {
  DriftSettings,
  HealthSettings,
  LoginSettings,
  SnapshotSettings,
  TelemetrySettings,
  WorkerSettings,
} from '../core/observation-settings.ts'
import type { DeclaredPrice } from '../core/price.ts'
import type { WrittenSpec } from './schema.ts'
import { defaults } from './defaults.ts'
import { durationMs, hoursIn, sizeBytes } from './units.ts'

/** Fills in the defaults of the spec's `telemetry`. */
export function completeTelemetry({ telemetry = {} }: Pick<WrittenSpec, 'telemetry'>): TelemetrySettings {
  return {
    interval: durationMs(telemetry.interval ?? defaults.telemetryInterval),
    waiting_after: durationMs(telemetry.waiting_after ?? defaults.waitingAfter),
    keep_samples: durationMs(telemetry.keep_samples ?? defaults.keepSamples),
    keep: durationMs(telemetry.keep ?? defaults.keepTelemetry),
  }
}

/** Fills in the defaults of the spec's `snapshot`. `dir`: the folder of the snapshots if the spec names none. */
export function completeSnapshot(
  { snapshot }: Pick<WrittenSpec, 'snapshot'>,
  local: (path: string) => string,
  dir: string,
): SnapshotSettings {
  return {
    interval: snapshot === undefined ? null : durationMs(snapshot.interval ?? defaults.snapshotInterval),
    dir: snapshot?.dir === undefined ? dir : local(snapshot.dir),
    keep: snapshot?.keep ?? defaults.snapshotKeep,
  }
}

/** Fills in the defaults of the spec's `drift`. */
export function completeDrift({ drift = {} }: Pick<WrittenSpec, 'drift'>): DriftSettings {
  return { remedy: drift.remedy ?? defaults.driftRemedy, attempts: drift.attempts ?? defaults.driftAttempts }
}

/** Fills in the defaults of the spec's `worker`. */
export function completeWorkerSettings({ worker = {} }: Pick<WrittenSpec, 'worker'>): WorkerSettings {
  return { silent_after: durationMs(worker.silent_after ?? defaults.silentAfter) }
}

/** Fills in the defaults of the spec's `logins`. */
export function completeLogins({ logins = {} }: Pick<WrittenSpec, 'logins'>): LoginSettings {
  return { refresh: logins.refresh ?? defaults.loginRefresh, night: hoursIn(logins.night ?? defaults.loginNight) }
}

/** Fills in the defaults of the spec's `health`. */
export function completeHealth({ health = {} }: Pick<WrittenSpec, 'health'>): HealthSettings {
  return {
    dispatcher: durationMs(health.dispatcher ?? defaults.healthDispatcher),
    idle: durationMs(health.idle ?? defaults.healthIdle),
    no_tokens: durationMs(health.no_tokens ?? defaults.healthNoTokens),
    turn: durationMs(health.turn ?? defaults.healthTurn),
    no_change: durationMs(health.no_change ?? defaults.healthNoChange),
    sprint_success: health.sprint_success ?? defaults.healthSprintSuccess,
    waiting: durationMs(health.waiting ?? defaults.healthWaiting),
    free_disk: health.free_disk ?? defaults.healthFreeDisk,
    free_memory: health.free_memory ?? defaults.healthFreeMemory,
    clock_offset: durationMs(health.clock_offset ?? defaults.healthClockOffset),
    ledger_size: sizeBytes(health.ledger_size ?? defaults.healthLedgerSize),
  }
}

/** Fills in the defaults of the spec's `prices`. */
export function completePrices({ prices = {} }: Pick<WrittenSpec, 'prices'>): DeclaredPrice[] {
  return Object.entries(prices).map(([model, written]) => ({
    model,
    price:
      written === 'subscription'
        ? written
        : { ...written, cache_read: written.cache_read ?? written.in, cache_write: written.cache_write ?? written.in },
  }))
}
