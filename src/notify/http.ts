/** Sends the HTTP requests of channels. Never follows a redirect, because address, headers and body may contain secrets. */
import type { ChannelDeps } from './channel.ts'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'
import { NotifyError } from '../core/notify.ts'

/** A request of a channel. */
export interface ChannelRequest {
  /** The name of the channel, for errors. */
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The maximum number of bytes of an answer that burn reads. */
const maxAnswer = 64 * 1024

/** Sends a request. Throws NotifyError unless the receiver answers with a status of 200 to 299. */
export async function post({ name, url, headers, body }: ChannelRequest, { fetch, timeout_ms }: ChannelDeps): Promise<void> {
  const signal = AbortSignal.timeout(timeout_ms)
  const answer = await answerOf(() => fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }), name, signal)
  if (answer.status >= 300 && answer.status < 400)
    throw new NotifyError(
      'notify_redirected',
      `the receiver of ${name} redirects to another address (${answer.status})`,
      'write the final address of the receiver',
    )
  if (!answer.ok) {
    const retry_after_ms = secondsOf(answer.headers.get('retry-after'))
    const hint = 'check address, login and rights of the channel'
    throw new NotifyError('notify_refused', `the receiver of ${name} answered ${answer.status}`, hint, { retry_after_ms })
  }
}

/** Returns the answer after its body has arrived. A receiver that breaks off its answer may not have accepted the message. */
async function answerOf(send: () => Promise<Response>, name: string, signal: AbortSignal): Promise<Response> {
  try {
    const answer = await send()
    let size = 0
    for await (const chunk of answer.body ?? []) {
      size += chunk.length
      if (size > maxAnswer) break
    }
    return answer
  } catch (thrown) {
    if (thrown instanceof BurnError) throw thrown
    const what = signal.aborted ? 'did not answer in time' : `can't be reached (${reasonOf(thrown)})`
    throw new NotifyError('notify_unreachable', `the receiver of ${name} ${what}`, 'check the address, the network and the certificate', {
      cause: thrown,
    })
  }
}

/** Returns a code such as `ECONNREFUSED`. Messages of fetch may contain the address, which may be a secret. */
function reasonOf(thrown: unknown): string {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined
  return codeOf(cause) || codeOf(thrown) || (/^[\w ]{1,60}$/.test(messageOf(thrown)) ? messageOf(thrown) : 'the connection failed')
}

function secondsOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1000 : null
}
