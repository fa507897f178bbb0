/**
 * The part of the Standard Schema interface (https://standardschema.dev) that is used here: what Zod, Valibot, ArkType
 * and others give. Declared here, for the specification asks for no dependency.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The properties of the specification. */
  readonly '~standard': StandardProperties<Input, Output>
}

/** What a {@link StandardSchema} says and does. */
export interface StandardProperties<Input, Output> {
  /** Version of the specification. */
  readonly version: 1
  /** Name of the library that made the schema. */
  readonly vendor: string
  /** Checks a value and gives it as the schema changes it, or why it is refused. */
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
  /** Never set; carries the types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined
}

/** What a schema says about a value: issues when it is refused. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** One reason why a value is refused. */
export interface SchemaIssue {
  /** For a person. */
  readonly message: string
  /** Keys from the value to the part that is refused; absent for the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema accepts. */
export type SchemaInput<S extends StandardSchema> = S extends StandardSchema<infer Input, unknown> ? Input : never

/** What a schema gives. */
export type SchemaOutput<S extends StandardSchema> = S extends StandardSchema<unknown, infer Output> ? Output : never

const anything: StandardSchema = {
  '~standard': { version: 1, vendor: 'millrace', validate: value => ({ value }) },
}

/** A schema that only names a type and checks nothing, for the side of an endpoint that needs no check. */
export function unchecked<T>(): StandardSchema<T> {
  return anything as StandardSchema<T>
}
