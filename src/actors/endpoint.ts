import { bool, oneOf, optional, resolveOptions } from '../core/index.js'
import type { Kind } from '../protocol/index.js'
import { standardSchema } from './schema-option.js'
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.js'

/**
 * One endpoint of a contract. The caller gives `RequestIn`, the handler gets `RequestOut` and answers `ReplyIn`, the
 * caller gets `ReplyOut`; they differ where a schema changes values.
 */
export interface EndpointDefinition<K extends Kind, RequestIn, RequestOut, ReplyIn, ReplyOut> {
  /** What goes each way. */
  readonly kind: K
  /** Checks each request, at the server; `undefined` when nothing is checked. */
  readonly request: StandardSchema<RequestIn, RequestOut> | undefined
  /** Checks each reply, at the server; `undefined` when nothing is checked. */
  readonly reply: StandardSchema<ReplyIn, ReplyOut> | undefined
  /** Whether calling twice does what calling once does, so that a call may be tried again. */
  readonly idempotent: boolean
  /** `reply`: every request is answered by exactly one reply, which paces the requests. */
  readonly pace: 'reply' | undefined
}

/** Schemas of an endpoint that answers; `unchecked<T>()` stands where nothing is to be checked. */
export interface Schemas<Request extends StandardSchema, Reply extends StandardSchema> {
  /** Schema of each request. */
  readonly request: Request
  /** Schema of each reply. */
  readonly reply: Reply
}

/** Options of {@link unary}. */
export interface UnaryOptions {
  /** Calling twice does what calling once does, so that a call may be tried again. @default false */
  readonly idempotent?: boolean
}

/** Options of {@link duplex}. */
export interface DuplexOptions {
  /**
   * `reply`: every request is answered by exactly one reply, and the k-th reply to be consumed lets the sender send
   * one more request, whatever operators stand between. @default requests are paced by their own consumption
   */
  readonly pace?: 'reply'
}

interface Schematic<
  K extends Kind,
  Request extends StandardSchema,
  Reply extends StandardSchema,
> extends EndpointDefinition<K, SchemaInput<Request>, SchemaOutput<Request>, SchemaInput<Reply>, SchemaOutput<Reply>> {}

type Resolved = Omit<EndpointDefinition<Kind, unknown, unknown, unknown, unknown>, 'kind'>

const replying = { request: optional(standardSchema), reply: optional(standardSchema) }

/** An endpoint with one request and one reply. */
export function unary<Request extends StandardSchema, Reply extends StandardSchema>(
  options: Schemas<Request, Reply> & UnaryOptions,
): Schematic<'unary', Request, Reply>
export function unary<A = void, B = void>(options?: UnaryOptions): EndpointDefinition<'unary', A, A, B, B>
export function unary(
  options?: Partial<Schemas<StandardSchema, StandardSchema>> & UnaryOptions,
): EndpointDefinition<'unary', unknown, unknown, unknown, unknown> {
  const checks = { ...replying, idempotent: optional(bool, false) }
  return { kind: 'unary', ...resolveOptions('unary', checks, options), pace: undefined }
}

/** An endpoint with one request and a stream of replies. */
export function serverStream<Request extends StandardSchema, Reply extends StandardSchema>(
  options: Schemas<Request, Reply>,
): Schematic<'serverStream', Request, Reply>
export function serverStream<A = void, B = void>(): EndpointDefinition<'serverStream', A, A, B, B>
export function serverStream(
  options?: Partial<Schemas<StandardSchema, StandardSchema>>,
): EndpointDefinition<'serverStream', unknown, unknown, unknown, unknown> {
  return { kind: 'serverStream', ...withoutAdvice(resolveOptions('serverStream', replying, options)) }
}

/** An endpoint with a stream of requests and one reply. */
export function clientStream<Request extends StandardSchema, Reply extends StandardSchema>(
  options: Schemas<Request, Reply>,
): Schematic<'clientStream', Request, Reply>
export function clientStream<A = void, B = void>(): EndpointDefinition<'clientStream', A, A, B, B>
export function clientStream(
  options?: Partial<Schemas<StandardSchema, StandardSchema>>,
): EndpointDefinition<'clientStream', unknown, unknown, unknown, unknown> {
  return { kind: 'clientStream', ...withoutAdvice(resolveOptions('clientStream', replying, options)) }
}

/** An endpoint with a stream of requests and a stream of replies: at the caller, an operator. */
export function duplex<Request extends StandardSchema, Reply extends StandardSchema>(
  options: Schemas<Request, Reply> & DuplexOptions,
): Schematic<'duplex', Request, Reply>
export function duplex<A = void, B = void>(options?: DuplexOptions): EndpointDefinition<'duplex', A, A, B, B>
export function duplex(
  options?: Partial<Schemas<StandardSchema, StandardSchema>> & DuplexOptions,
): EndpointDefinition<'duplex', unknown, unknown, unknown, unknown> {
  const checks = { ...replying, pace: optional(oneOf('reply')) }
  return { kind: 'duplex', ...resolveOptions('duplex', checks, options), idempotent: false }
}

/** An endpoint with one request and no reply: the caller learns that it was written, not what became of it. */
export function tell<Request extends StandardSchema>(options: {
  /** Schema of the request. */
  readonly request: Request
}): EndpointDefinition<'tell', SchemaInput<Request>, SchemaOutput<Request>, never, never>
export function tell<A = void>(): EndpointDefinition<'tell', A, A, never, never>
export function tell(options?: {
  readonly request?: StandardSchema
}): EndpointDefinition<'tell', unknown, unknown, never, never> {
  const { request } = resolveOptions<{ request: StandardSchema | undefined }>(
    'tell',
    { request: optional(standardSchema) },
    options,
  )
  return { kind: 'tell', request, reply: undefined, idempotent: false, pace: undefined }
}

function withoutAdvice(schemas: Pick<Resolved, 'request' | 'reply'>): Resolved {
  return { ...schemas, idempotent: false, pace: undefined }
}
