/** What ends of a WebSocket agree on by ALPN: its handshake is a request of HTTP 1.1. */
export const ALPN = 'http/1.1'
