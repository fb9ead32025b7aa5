/** Migration 19. It moves open spans to a table of their own, and the texts that spans and usage repeat to tables of groups. */
import { sql } from 'kysely'
import { createTables, type Migration } from './create-tables.ts'
import { groupHash } from './groups.ts'
import { chunks } from './sql.ts'

const tables = {
  open_span: `id key, kind text!, subject text!, machine text, state text!, detail text, issue text, incarnation text, evidence text!, began_at bigint!,
    seen_at bigint!, reported text`,
  span_group: `id numeric-key, hash text!, used_at bigint!, kind text!, subject text!, machine text, state text!, detail text, repo text,
    incarnation text`,
  span: `id numeric-key, began_at bigint!, seen_at bigint!, ended_at bigint!, number bigint, group_id integer!, evidence text!, reported text`,
  usage_group: `id numeric-key, hash text!, used_at bigint!, source text!, worker text!, incarnation text!, repo text!, agent text!, provider text!,
    model_asked text!, model_answered text!, subscription integer`,
  usage: `id numeric-key, calls bigint!, input bigint!, cache_read bigint, cache_write bigint, output bigint!, reasoning bigint, number bigint!,
    group_id integer!, last_ms integer!, reported_cost float8`,
}

const indexes = [
  `create unique index span_group_hash on span_group (hash)`,
  `create unique index usage_group_hash on usage_group (hash)`,
  `create index usage_issue on usage (number)`,
  // With the time in the index, each update of a row needed a new entry.
  `drop index model_use_worker`,
  `create index model_use_worker on model_use (worker)`,
]

/** Makes the rows of telemetry smaller. */
export const groupedTelemetry: Migration = async (db, { serial }) => {
  for (const table of ['span', 'usage']) {
    await sql.raw(`create table old_${table} as select * from ${table}`).execute(db)
    await sql.raw(`drop table ${table}`).execute(db)
  }
  await createTables(tables, db, serial)
  for (const statement of indexes) await sql.raw(statement).execute(db)
  await sql.raw(openSpans).execute(db)
  await moveRows(db, spans)
  await moveRows(db, usage)
  for (const table of ['span', 'usage']) await sql.raw(`drop table old_${table}`).execute(db)
}

/** How to move the rows of a table. */
interface Move {
  readonly table: 'span' | 'usage'
  /** The columns of the group, in the order of their hash. */
  readonly texts: readonly string[]
  /** Those of them that may be null. */
  readonly optional: readonly string[]
  /** The column with the time of a row. */
  readonly time: string
  readonly where: string
  /** The further columns of the row. */
  readonly kept: string
  /** SQL of further columns. */
  readonly computed: string
  /** SQL of the id. `n` counts the rows with the same `part`, from 0. */
  readonly part: string
  readonly id: string
}

/** SQL of the repo of an issue, such as `o/r` of `o/r#7`, and of the number. */
const repo = `rtrim(rtrim(issue, '0123456789'), '#')`
const number = `cast(nullif(substr(issue, length(rtrim(issue, '0123456789')) + 1), '') as bigint)`

const openSpans = `insert into open_span (id, kind, subject, machine, state, detail, issue, incarnation, evidence, began_at, seen_at, reported)
  select kind || ' ' || subject, kind, subject, machine, state, detail, issue, incarnation, evidence, began_at, seen_at, reported
  from old_span where ended_at is null`

const spans: Move = {
  table: 'span',
  texts: ['kind', 'subject', 'machine', 'state', 'detail', 'repo', 'incarnation'],
  optional: ['machine', 'detail', 'repo', 'incarnation'],
  time: 'ended_at',
  where: 'ended_at is not null',
  kept: 'number, began_at, seen_at, ended_at, evidence, reported',
  computed: `${number} as number`,
  // More than 1000 spans may end at one time. Each id is at least 1000 × the end, and greater than the ids before.
  part: '1',
  id: 'n + max(ended_at * 1000 - n) over (order by n)',
}

const usage: Move = {
  table: 'usage',
  texts: ['source', 'worker', 'incarnation', 'repo', 'agent', 'provider', 'model_asked', 'model_answered', 'subscription'],
  optional: ['subscription'],
  time: 'last_at',
  where: '1 = 1',
  kept: 'number, last_ms, calls, input, cache_read, cache_write, output, reasoning, reported_cost',
  computed: `coalesce(${number}, 0) as number, last_at - hour as last_ms`,
  part: 'hour',
  id: 'hour * 1000 + n',
}

async function moveRows(
  db: Parameters<Migration>[0],
  { table, texts, optional, time, where, kept, computed, part, id }: Move,
): Promise<void> {
  const expressionOf = (text: string) => (text === 'repo' ? repo : text)
  const list = texts.map((text) => `${expressionOf(text)} as ${text}`).join(', ')
  const { rows } = await sql
    .raw<Readonly<Record<string, string | number | null>>>(
      `select ${list}, max(${time}) as used_at from old_${table} where ${where} group by ${texts.map(expressionOf).join(', ')}`,
    )
    .execute(db)
  const groups = rows.map((row, index) => ({ ...row, id: index + 1, hash: groupHash(texts.map((text) => row[text] ?? null)) }))
  for (const some of chunks(groups, 64))
    await db
      .insertInto(`${table}_group`)
      // The rows have the columns of the table.
      .values(some as never)
      .execute()
  // The engines look up plain columns without null quickly.
  const known = (text: string) => (optional.includes(text) ? `coalesce(cast(${text} as text), '')` : text)
  await sql
    .raw(`create table old_group as select id, ${texts.map((text) => `${known(text)} as ${text}`).join(', ')} from ${table}_group`)
    .execute(db)
  const numbered = `select old_${table}.*, ${repo} as repo, ${computed},
    row_number() over (partition by ${part} order by ${time}, id) - 1 as n from old_${table} where ${where}`
  const placed = `select ${texts.map((text) => `${known(text)} as ${text}`).join(', ')}, ${kept}, ${id} as id from (${numbered}) as numbered`
  const isSame = texts.map((text) => `g.${text} = o.${text}`).join(' and ')
  await sql
    .raw(
      `insert into ${table} (id, group_id, ${kept}) select o.id, g.id, ${kept} from (${placed}) as o join old_group g on ${isSame} order by o.id`,
    )
    .execute(db)
  await sql.raw(`drop table old_group`).execute(db)
}
