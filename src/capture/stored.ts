/** Reads saved snapshots, and deletes old ones. */
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Time } from '../core/nouns.ts'
import type { PaneRecord, SnapshotHead } from './snapshot.ts'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { isFields } from '../core/json.ts'
import { partialMark } from '../host/private-files.ts'
import { formatVersion, headFile, panesFile } from './snapshot.ts'

/** A pane of a saved snapshot, with the text of its screen. */
export interface StoredPane {
  readonly record: PaneRecord
  readonly screen: readonly string[]
}

/** A saved snapshot, as burn reads it back. */
export interface StoredSnapshot {
  readonly dir: string
  readonly head: SnapshotHead
  readonly panes: readonly StoredPane[]
}

/** Reads a saved snapshot. Throws BurnError `snapshot_unreadable` (exit 2). */
export async function readSnapshot(dir: string): Promise<StoredSnapshot> {
  try {
    // The cast trusts the other fields, because burn only compares and prints them.
    const head = JSON.parse(await readFile(join(dir, headFile), 'utf8')) as SnapshotHead
    if (head.version !== formatVersion) throw new Error(`its version is ${String(head.version)}, and burn reads version ${formatVersion}`)
    const lines = (await readFile(join(dir, panesFile), 'utf8')).split('\n').filter((line) => line !== '')
    return { dir, head, panes: await Promise.all(lines.map((line) => readPane(dir, JSON.parse(line)))) }
  } catch (thrown) {
    const hint = 'name a folder that burn capture --all wrote'
    throw new BurnError('snapshot_unreadable', `${dir} can't be read as a snapshot: ${messageOf(thrown)}`, hint, { exit: 2, cause: thrown })
  }
}

/** Somebody may have changed the folder, so a line of it must not name a file outside of the folder. */
const plainName = /^[\w-]+\.\d+\.txt$/

async function readPane(dir: string, line: unknown): Promise<StoredPane> {
  if (!isFields(line) || typeof line['text'] !== 'string' || !plainName.test(line['text']))
    throw new Error(`${panesFile} has a line that is no pane`)
  // The cast trusts the other fields, because burn only compares and prints them.
  const record = line as unknown as PaneRecord
  const rows = (await readFile(join(dir, record.text), 'utf8')).split('\n').slice(0, -1)
  return { record, screen: rows.slice(-record.height) }
}

/** Returns the name of the folder of a snapshot: its time, such as `2026-11-27T031500123Z`. */
export function folderName(at: Time): string {
  return new Date(at).toISOString().replaceAll(/[:.]/g, '')
}

const finished = /^\d{4}-\d\d-\d\dT\d{9}Z$/
/** A folder that is not complete after this time (ms) belongs to a process that ended. */
const partialTimeout = 3_600_000

/** Deletes all saved snapshots in a folder but the newest `keep`, and what killed processes left. Returns the number of deleted snapshots. */
export async function deleteOldSnapshots(dir: string, keep: number, now: Time): Promise<number> {
  const names = await readdir(dir).catch(ifCode(noSuchPath, [] as string[]))
  const old = names
    .filter((name) => finished.test(name))
    .sort()
    .slice(0, -keep)
  const abandoned = names.filter((name) => {
    const [stamp = '', suffix] = name.split(partialMark)
    return suffix !== undefined && finished.test(stamp) && stamp < folderName(now - partialTimeout)
  })
  for (const name of [...old, ...abandoned]) await rm(join(dir, name), { recursive: true, force: true })
  return old.length
}
