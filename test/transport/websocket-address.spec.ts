import { describe, expect, it } from 'vitest'
import { parseWebSocketAddress, parseWebSocketUrl } from '../../src/transport/websocket/websocket-address.js'

describe('parseWebSocketUrl', () => {
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
    expect(parseWebSocketUrl(text)).toBe(url)
  })

  it('takes TLS where it is the default', () => {
    expect(parseWebSocketUrl('localhost:80', true)).toBe('wss://localhost:80')
    expect(parseWebSocketUrl('ws://localhost:80', true)).toBe('ws://localhost:80')
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
    expect(() => parseWebSocketUrl(text)).toThrow(expect.objectContaining({ reason: 'invalid_address' }))
  })

  it('names the whole address that it refuses', () => {
    expect(() => parseWebSocketUrl('ws://h:x/a')).toThrow('"ws://h:x/a": expected ws://host:port/path')
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
