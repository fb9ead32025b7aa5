/** The part of the suite about refusals of the forge: back-offs, and repos that burn cannot read. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { because, said } from '../support/reasons.ts'

/** Declares the tests of this part. */
export function refused(holds: Holds): void {
  holds.repeated('back-off: holds a repo until a time or a requeue', async ({ ledger }) => {
    await ledger.saveBackoff({ subject: 'o/r#1', until: 900, why: because('deleted') }, 20)
    await ledger.saveBackoff({ subject: 'o/r', until: 800, why: because('archived') }, 20)
    await ledger.saveBackoff({ subject: 'o/new', until: 700, why: because('gone') }, 20)
    await ledger.saveBackoff({ subject: 'o/other', until: 365 * 24 * 3_600_000, why: because('saved while the clock was ahead') }, 20)
    const at = async (time: number) => (await ledger.backoffs(time)).map(({ subject, until, why }) => `${subject} ${until} ${said(why)}`)
    assert.deepEqual((await at(100)).toSorted(), ['o/new 700 gone', 'o/r 800 archived', 'o/r#1 900 deleted'])
    assert.deepEqual(await at(800), ['o/r#1 900 deleted'])
    assert.deepEqual(
      (await ledger.events({ subject: 'o/r' })).map(({ kind }) => kind),
      ['repo.rests'],
    )
    await ledger.requeue('o/r#2', 30)
    assert.deepEqual(await at(750), ['o/r#1 900 deleted'])
  })

  holds('back-off: covers all issues of an author, except longer ones', async ({ ledger }) => {
    const { author } = (await ledger.issue('o/r#1'))?.issue ?? { author: '' }
    await ledger.saveBackoff({ subject: 'o/r#1', until: 900, why: because('longer') }, 20)
    await ledger.saveBackoff({ subject: 'o/r#3', author, until: 500, why: because('blocked') }, 20)
    await ledger.saveBackoff({ subject: 'o/r#3', author: 'nobody', until: 999, why: because('nobody') }, 20)
    assert.equal((await ledger.issue('o/r#1'))?.backoff?.until, 900)
    assert.deepEqual((await ledger.issue('o/r#2'))?.backoff, { until: 500, why: because('blocked') })
  })

  holds('unread: keeps the first time and the latest reason', async ({ ledger }) => {
    const of = async (name: string) => (await ledger.repos()).find(({ repo }) => repo === name)?.unread
    await ledger.saveUnread(
      new Map([
        ['o/r', '404'],
        ['o/new', '503'],
      ]),
      20,
    )
    await ledger.saveUnread(new Map([['o/r', '503']]), 30)
    assert.deepEqual(await of('o/r'), { since: 20, why: '503' })
    assert.deepEqual(await of('o/new'), { since: 20, why: '503' })
    await ledger.saveUnread(new Map([['o/r', null]]), 40)
    assert.equal(await of('o/r'), null)
    assert.deepEqual(
      (await ledger.events({ subject: 'o/r' })).map(({ kind }) => kind),
      ['repo.unread', 'repo.read'],
    )
  })
}
