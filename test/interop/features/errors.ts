import { deepEqual, equal, match } from 'node:assert/strict'
import type { RpcError } from 'millrace/core'
import { javaClient, javaServer } from '../peers.js'
import type { Feature } from '../row.js'
import { failureOf, upTo } from '../waiting.js'

/** What each kind of failure is at the other side. */
export const errors: readonly Feature[] = [
  {
    name: 'errors: codes and texts',
    async client(bench) {
      const { call } = await javaClient(bench)
      const kinds = ['application', 'rejected', 'invalid', 'canceled']

      const ends = await Promise.all(
        kinds.map(kind => call('unary', { route: 'interop.fail', data: `"${kind}"` }).ended()),
      )

      deepEqual(
        ends.map(({ error }) => [error?.type, error?.code]),
        [
          ['ApplicationErrorException', 0x201],
          ['RejectedException', 0x202],
          ['InvalidException', 0x204],
          ['CanceledException', 0x203],
        ],
      )
      for (const { error } of ends) match(error?.message ?? '', /on purpose/)
    },
    async server(bench) {
      const { stub } = await javaServer(bench)
      const kinds = ['application', 'rejected', 'invalid', 'canceled', 'custom', 'high']

      const failures = await Promise.all(kinds.map(kind => failureOf(stub.fail(kind))))

      deepEqual(failures.map(summary), [
        ['UNKNOWN', 'thrown on purpose', false, 0x201],
        ['UNAVAILABLE', 'rejected on purpose', true, 0x202],
        ['INVALID_ARGUMENT', 'invalid on purpose', false, 0x204],
        ['CANCELLED', 'canceled on purpose', false, 0x203],
        ['UNKNOWN', 'custom on purpose', false, 0x301],
        ['UNKNOWN', 'high on purpose', false, 0xffff_fffe],
      ])
    },
  },
  {
    name: 'errors: a route that nobody serves',
    async client(bench) {
      const { call } = await javaClient(bench)

      const { error } = await call('unary', { route: 'interop.nowhere', data: '1' }).ended()

      equal(error?.type, 'RejectedException')
      match(error.message, /unknown_endpoint/)
    },
  },
  {
    name: 'errors: in a channel, which ends both ways',
    async client(bench) {
      const { call } = await javaClient(bench)
      const channel = call('channel', { route: 'interop.refuse' })

      channel.send('1')

      const { error } = await channel.ended()
      equal(error?.type, 'ApplicationErrorException')
      match(error.message, /refused in a channel/)
      await channel.until('requests cancelled')
    },
    async server(bench) {
      const { stub } = await javaServer(bench)

      const failure = await failureOf(stub.refuse(upTo(100)))

      deepEqual(summary(failure), ['UNKNOWN', 'refused in a channel', false, 0x201])
    },
  },
]

function summary({ code, rawMessage, retry, details }: RpcError): readonly unknown[] {
  const { rsocketCode } = (details ?? {}) as { readonly rsocketCode?: number }
  return [code, rawMessage, retry.safe, rsocketCode]
}
