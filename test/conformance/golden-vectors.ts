import type { FrameParts } from '../support/raw-frame.js'

const utf8 = new TextEncoder()
const NO_POSITION = '\0'.repeat(8)

/** Frames of streams that an independent implementation has written, checked by hand; as TCP carries them. */
export const goldenFrames: { readonly [what: string]: readonly [string, FrameParts] } = {
  'LEASE for 1000 ms and 5 requests': [
    '00000e000000000800000003e800000005',
    { type: 'LEASE', data: Uint8Array.of(0, 0, 3, 0xe8, 0, 0, 0, 5) },
  ],
  'KEEPALIVE that asks': [
    '000010000000000c8000000000000000006b61',
    { type: 'KEEPALIVE', flags: 'R', data: `${NO_POSITION}ka` },
  ],
  REQUEST_RESPONSE: ['0000080000000110006869', { type: 'REQUEST_RESPONSE', id: 1, data: 'hi' }],
  'REQUEST_RESPONSE with metadata': [
    '00000d0000000111000000026d316869',
    { type: 'REQUEST_RESPONSE', id: 1, metadata: utf8.encode('m1'), data: 'hi' },
  ],
  REQUEST_FNF: ['00000700000003140066', { type: 'REQUEST_FNF', id: 3, data: 'f' }],
  REQUEST_STREAM: ['00000b0000000518000000010073', { type: 'REQUEST_STREAM', id: 5, word: 256, data: 's' }],
  'REQUEST_CHANNEL that completes': [
    '00000b000000071c407fffffff63',
    { type: 'REQUEST_CHANNEL', id: 7, flags: 'C', word: 0x7fff_ffff, data: 'c' },
  ],
  REQUEST_N: ['00000a000000052000000000c0', { type: 'REQUEST_N', id: 5, word: 192 }],
  CANCEL: ['000006000000052400', { type: 'CANCEL', id: 5 }],
  'PAYLOAD, last item': ['0000080000000128606f6b', { type: 'PAYLOAD', id: 1, flags: 'NC', data: 'ok' }],
  'PAYLOAD, empty item': ['000006000000052820', { type: 'PAYLOAD', id: 5, flags: 'N' }],
  'PAYLOAD, end': ['000006000000052840', { type: 'PAYLOAD', id: 5, flags: 'C' }],
  'PAYLOAD, fragment': ['0000080000000128a06162', { type: 'PAYLOAD', id: 1, flags: 'NF', data: 'ab' }],
  ERROR: ['00000e000000012c0000000201626f6f6d', { type: 'ERROR', id: 1, word: 0x201, data: 'boom' }],
  'ERROR of the connection': ['00000d000000002c0000000001626164', { type: 'ERROR', word: 1, data: 'bad' }],
  // Its metadata has no length, so it is written as the rest of the frame.
  METADATA_PUSH: ['0000080000000031006d70', { type: 'METADATA_PUSH', flags: 'M', data: 'mp' }],
  'RESUME_OK at 15': [
    '00000e000000003800000000000000000f',
    { type: 'RESUME_OK', data: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 15) },
  ],
}

/** SETUP of a client that speaks composite metadata and text. */
export const goldenSetup =
  '00004500000000040000010000000001f4000005dc276d6573736167652f782e72736f636b65742e636f6d706f736974652d6d657461646174612e76300a746578742f706c61696e'

/** SETUP that asks for resumption and leases, with metadata and data. */
export const goldenFullSetup = '0000200000000005c000010000000001f4000005dc0003746f6b016d01640000017879'

/** RESUME with the token `tok`, 10 bytes of the server received, the client's retained from 20 on. */
export const goldenResume = '00001f000000003400000100000003746f6b000000000000000a0000000000000014'
