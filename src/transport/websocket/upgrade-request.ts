/** The request with which a client asks for a WebSocket. */
export interface UpgradeRequest {
  /** Path with its query. */
  readonly path: string
  /** Origin of the page that asks, which browsers do not let it forge; other clients send none, or any. */
  readonly origin: string | undefined
  /** Header fields by lower-case name, repeated ones joined with commas. */
  readonly headers: Readonly<Record<string, string>>
  /** Address of the client, or of the proxy before it. */
  readonly remote: string
}
