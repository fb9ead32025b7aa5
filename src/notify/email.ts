/** The channel `email`: plain text over SMTP. */
import type { SendMailOptions } from 'nodemailer'
import type { NotifyMessage } from '../core/notify.ts'
import type { ChannelSettings } from '../core/notify-settings.ts'
import type { Opener } from './channel.ts'
import { codeOf, messageOf } from '../core/errors.ts'
import { NotifyError } from '../core/notify.ts'

/** Opens a mail server. `Message-ID` is stable, so a mail program recognises a repeated message. */
export const openEmail: Opener<'email'> = (name, settings, deps) => ({
  kind: 'email',
  preview: (message) => ({ server: settings.server, ...mailOf(message, settings) }),
  async send(message) {
    const { hostname, port, protocol } = new URL(settings.server)
    const { user, password } = settings
    const auth = user === null || password === null ? {} : { auth: { user, pass: await deps.secret(password, 'header') } }
    const { createTransport } = await import('nodemailer')
    const { timeout_ms } = deps
    const limits = { connectionTimeout: timeout_ms, greetingTimeout: timeout_ms, socketTimeout: timeout_ms, dnsTimeout: timeout_ms }
    const secure = protocol === 'smtps:'
    const transport = createTransport({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (secure ? 465 : 587) : Number(port),
      secure,
      // A login over an open connection would show the password to the network.
      requireTLS: user !== null,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...limits,
      ...auth,
    })
    try {
      const sent = await transport.sendMail({ ...mailOf(message, settings), signal: AbortSignal.timeout(timeout_ms) })
      if (sent.rejected.length > 0) throw someRefused(sent.rejectedErrors ?? [], settings.to.length, name)
    } catch (thrown) {
      throw smtpError(thrown, name)
    } finally {
      transport.close()
    }
  },
})

function mailOf({ id, fleet, title, text }: NotifyMessage, { from, to }: ChannelSettings<'email'>): SendMailOptions {
  return {
    from,
    to: [...to],
    subject: title,
    text: `${text}\n\n${id}\n`,
    messageId: `<${id}@${fleet}.burn>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

/**
 * Returns the error for a mail that the server accepted for some of its recipients. A refusal for now, such as greylisting, needs a retry,
 * although the others get the mail again, with the same id. A retry after another refusal would only repeat the mail to the others.
 */
function someRefused(refusals: readonly unknown[], recipients: number, name: string): NotifyError {
  const codes = refusals.map(statusOf)
  const delivered = !codes.some((code) => code < 500)
  const what = `the mail server of ${name} refused ${refusals.length} of ${recipients} recipients (${[...new Set(codes)].join(', ')})`
  return new NotifyError('notify_refused', what, 'check the recipients of the channel', { delivered })
}

function statusOf(thrown: unknown): number {
  return thrown instanceof Error && 'responseCode' in thrown ? Number(thrown.responseCode) : NaN
}

/** The replies of a server may repeat what it received, so the error has only codes. */
function smtpError(thrown: unknown, name: string): NotifyError {
  if (thrown instanceof NotifyError) return thrown
  const status = statusOf(thrown)
  const cause = { cause: thrown }
  if (status >= 400) {
    const hint = 'check user, password, sender and recipients of the channel'
    return new NotifyError('notify_refused', `the mail server of ${name} answered ${status}`, hint, cause)
  }
  // The code of nodemailer is only `ESOCKET`, but its message has the code of the system, such as `ECONNREFUSED`.
  const why = /\bE[A-Z]{5,}\b/.exec(messageOf(thrown))?.[0] ?? (codeOf(thrown) || 'the connection failed')
  const hint = 'check the server, its port and its certificate'
  return new NotifyError('notify_unreachable', `the mail server of ${name} can't be reached (${why})`, hint, cause)
}
