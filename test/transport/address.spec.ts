import { describe, expect, it } from 'vitest'
import { formatAddress, parseAddress, parseDialAddress } from '../../src/transport/address.js'

describe('parseAddress', () => {
  it.each([
    ['localhost:80', 'localhost', 80, 80],
    ['127.0.0.1:0', '127.0.0.1', 0, 0],
    ['[::1]:5000', '::1', 5000, 5000],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1, 1],
    [':8080', '', 8080, 8080],
    ['host:5000-5010', 'host', 5000, 5010],
    ['[::]:5000-5000', '::', 5000, 5000],
  ])('reads %s', (text, host, firstPort, lastPort) => {
    expect(parseAddress(text)).toEqual({ host, firstPort, lastPort })
  })

  it.each([
    '',
    'host',
    'host:',
    'host:-1',
    'host:1-',
    'host:65536',
    'host:10-9',
    'host:0-9',
    '::1:80',
    '[::1]',
    '[x]:1',
    'a/b:1',
    'a b:1',
  ])('refuses %o', text => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ reason: 'invalid_address' }))
  })
})

describe('parseDialAddress', () => {
  it('reads a host and a port', () => {
    expect(parseDialAddress('[::1]:80')).toEqual({ host: '::1', port: 80 })
  })

  it.each([':80', 'host:0', 'host:1-2'])('refuses %o, which only a listener can take', text => {
    expect(() => parseDialAddress(text)).toThrow(expect.objectContaining({ reason: 'invalid_address' }))
  })
})

describe('formatAddress', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1:80'],
    ['::1', '[::1]:80'],
    ['::ffff:127.0.0.1', '127.0.0.1:80'],
    ['::ffff:1', '[::ffff:1]:80'],
  ])('writes %s', (host, text) => {
    expect(formatAddress(host, 80)).toBe(text)
  })
})
