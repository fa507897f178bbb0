import { describe, expect, it } from 'vitest'
import {
  formatWebSocketAddress,
  parseWebSocketAddress,
  parseWebSocketTarget,
} from '../../src/transport/websocket/websocket-address.js'

describe('parseWebSocketTarget', () => {
  it.each([
    ['localhost:80', 'ws://localhost:80'],
    ['ws://localhost', 'ws://localhost:80'],
    ['wss://a.example', 'wss://a.example:443'],
    ['wss://a.example:1/', 'wss://a.example:1'],
    ['ws://[::1]', 'ws://[::1]:80'],
    ['ws://[::1]:5000/calls', 'ws://[::1]:5000/calls'],
    ['ws://h:1/a/b?c=d', 'ws://h:1/a/b?c=d'],
    ['h:1/a', 'ws://h:1/a'],
  ])('reads %s', (text, url) => {
    expect(formatWebSocketAddress(parseWebSocketTarget(text))).toBe(url)
  })

  it('takes wss where everything is secured, and refuses ws', () => {
    expect(parseWebSocketTarget('localhost:80', true)).toMatchObject({ secure: true })
    expect(() => parseWebSocketTarget('ws://localhost:80', true)).toThrow('expected wss://, for `tls` secures')
  })

  it.each([
    '',
    'h',
    'ws:',
    'ws://',
    'ws://:1',
    'http://h:1',
    'ws://h:0',
    'ws://h:1-2',
    'ws://h:1?a',
    'ws://h:1/#a',
    'ws://u@h:1',
  ])('refuses %o', text => {
    expect(() => parseWebSocketTarget(text)).toThrow(expect.objectContaining({ reason: 'invalid_address' }))
  })

  it('names the whole address that it refuses', () => {
    expect(() => parseWebSocketTarget('ws://h:x/a')).toThrow('"ws://h:x/a": expected ws://host:port/path')
  })
})

describe('parseWebSocketAddress', () => {
  it.each([
    [':0', '', 0, 0, '/', undefined],
    ['ws://:8080/calls', '', 8080, 8080, '/calls', false],
    ['wss://h:5000-5010', 'h', 5000, 5010, '/', true],
    ['[::]:1', '::', 1, 1, '/', undefined],
  ])('reads %s', (text, host, firstPort, lastPort, path, secure) => {
    expect(parseWebSocketAddress(text)).toEqual({ text, host, firstPort, lastPort, path, secure })
  })

  it('refuses a query, which no listener looks at', () => {
    expect(() => parseWebSocketAddress('ws://h:1/a?b')).toThrow('a path without a query')
  })
})
