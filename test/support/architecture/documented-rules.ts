import type { Node, TSInterfaceDeclaration } from 'oxc-parser'
import { parse, violation, type Rule, type SourceFile, type Violation } from './source-file.js'

interface Named {
  readonly name: string
  readonly node: Node
}

interface Declared extends Named {
  /** False for what is only inherited from. */
  readonly exported: boolean
}

/** Everything that can be imported says what it is. */
export const documented: Rule = {
  title: 'every export, member and option is documented',
  check: files => {
    const members = interfaceMembers(files)
    return files.flatMap(file => declarations(file).flatMap(each => undocumented(file, each, members)))
  },
}

/** Options say what happens without them. */
export const documentedDefaults: Rule = {
  title: 'every optional option names its default',
  check: files =>
    files.flatMap(file =>
      declarations(file).flatMap(({ name, node }) =>
        !name.endsWith('Options')
          ? []
          : membersOf(node).flatMap(member => {
              const optional = 'optional' in member.node && member.node.optional === true
              const fine = !optional || /@default\b/.test(docOf(file, member.node) ?? '')
              return fine ? [] : [violation(file, member.node, `${name}.${member.name} has no @default`)]
            }),
      ),
    ),
}

/** The names of the members of an interface, inherited ones too. */
type InterfaceMembers = (name: string) => readonly string[]

/** Interfaces of others that ours extend and our classes implement; their members are explained there. */
const documentedByRxjs: ReadonlyMap<string, readonly string[]> = new Map([['Observer', ['next', 'error', 'complete']]])

function interfaceMembers(files: readonly SourceFile[]): InterfaceMembers {
  const found = files.flatMap(file => parse(file).program.body.map(inner)).filter(isInterface)
  const byName = new Map(found.map(each => [each.id.name, each]))
  const namesIn: InterfaceMembers = name => {
    const node = byName.get(name)
    return node === undefined
      ? (documentedByRxjs.get(name) ?? [])
      : [...membersOf(node).map(member => member.name), ...basesOf(node).flatMap(namesIn)]
  }
  return namesIn
}

function isInterface(node: Node): node is TSInterfaceDeclaration {
  return node.type === 'TSInterfaceDeclaration'
}

function undocumented(
  file: SourceFile,
  { name, node, exported }: Declared,
  members: InterfaceMembers,
): readonly Violation[] {
  const missing = (each: Named, label: string): readonly Violation[] =>
    docOf(file, each.node) === undefined ? [violation(file, each.node, `${label} has no doc comment`)] : []
  const promised = [...promisesOf(inner(node)), ...optionsOf(name)].flatMap(members)
  const own = withoutOverloads(membersOf(node)).filter(member => !promised.includes(member.name))
  return [
    ...(exported ? missing({ name, node }, name) : []),
    ...own.flatMap(member => missing(member, `${name}.${member.name}`)),
  ]
}

/** The interfaces of a class, which document the members that it has for them. */
function promisesOf(node: Node): readonly string[] {
  if (node.type !== 'ClassDeclaration') return []
  return (node.implements ?? []).flatMap(({ expression }) =>
    expression.type === 'Identifier' ? [expression.name] : [],
  )
}

/** The options that `ResolvedXOptions` are the resolved form of: members of one name are documented there. */
function optionsOf(name: string): readonly string[] {
  return /^Resolved\w+Options$/.test(name) ? [name.slice('Resolved'.length)] : []
}

/** The first of several declarations of one name speaks for all. */
function withoutOverloads<T extends Named>(named: readonly T[]): readonly T[] {
  return named.filter(({ name }, index) => named.findIndex(each => each.name === name) === index)
}

/**
 * What a file exports by declaring it, and interfaces that exported ones extend: their members are inherited, and need
 * a doc comment even where they themselves do not.
 */
function declarations(file: SourceFile): readonly Declared[] {
  const { body } = parse(file).program
  const exported = body.flatMap(statement =>
    statement.type === 'ExportNamedDeclaration' && statement.declaration
      ? namesOf(statement.declaration).map(name => ({ name, node: statement as Node, exported: true }))
      : [],
  )
  const later = new Set(
    body.flatMap(statement =>
      statement.type === 'ExportNamedDeclaration' && statement.source === null
        ? statement.specifiers.flatMap(({ local }) => (local.type === 'Identifier' ? [local.name] : []))
        : [],
    ),
  )
  const inherited = new Set(exported.flatMap(({ node }) => basesOf(inner(node))))
  const others = body.flatMap(statement =>
    namesOf(statement)
      .filter(name => later.has(name) || inherited.has(name))
      .map(name => ({ name, node: statement as Node, exported: later.has(name) })),
  )
  return withoutOverloads([...exported, ...others])
}

function namesOf(node: Node): readonly string[] {
  if (node.type === 'VariableDeclaration') {
    return node.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  }
  const declares = /^(FunctionDeclaration|TSDeclareFunction|ClassDeclaration|TS(Interface|TypeAlias|Enum)Declaration)$/
  if (!declares.test(node.type) || !('id' in node)) return []
  const id = node.id as Node | null
  return id?.type === 'Identifier' ? [id.name] : []
}

function inner(node: Node): Node {
  return node.type === 'ExportNamedDeclaration' && node.declaration ? node.declaration : node
}

function basesOf(node: Node): readonly string[] {
  if (node.type !== 'TSInterfaceDeclaration') return []
  return node.extends.flatMap(({ expression }) => (expression.type === 'Identifier' ? [expression.name] : []))
}

/** The public members of an interface, a class, or a type that is written as one. */
function membersOf(node: Node): readonly Named[] {
  const declaration = inner(node)
  switch (declaration.type) {
    case 'TSInterfaceDeclaration':
      return declaration.body.body.flatMap(named)
    case 'ClassDeclaration':
      return declaration.body.body.filter(isPublic).flatMap(named)
    case 'TSTypeAliasDeclaration':
      return literals(declaration.typeAnnotation).flatMap(named)
    default:
      return []
  }
}

function literals(type: Node): readonly Node[] {
  if (type.type === 'TSTypeLiteral') return type.members
  return type.type === 'TSIntersectionType' ? type.types.flatMap(literals) : []
}

/** Whether readers meet a member here first: it is not hidden, inherited, or the constructor, of which the class tells. */
function isPublic(member: Node): boolean {
  if ('override' in member && member.override === true) return false
  if (member.type === 'MethodDefinition' && member.kind === 'constructor') return false
  return !('accessibility' in member && (member.accessibility === 'private' || member.accessibility === 'protected'))
}

function named(node: Node): readonly Named[] {
  if (node.type === 'TSCallSignatureDeclaration') return [{ name: '()', node }]
  if (node.type === 'TSConstructSignatureDeclaration') return [{ name: 'new', node }]
  if (!('key' in node) || node.key === null) return [] // index signatures say all in the doc of their owner
  const key = node.key as Node
  if (key.type === 'PrivateIdentifier') return []
  return [{ name: key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : '[…]', node }]
}

/** The text of the doc comment directly before `node`. */
function docOf(file: SourceFile, node: Node): string | undefined {
  const comment = parse(file).comments.findLast(({ end }) => end <= node.start)
  if (comment === undefined || comment.type !== 'Block' || !comment.value.startsWith('*')) return undefined
  const adjacent = file.source.slice(comment.end, node.start).trim() === ''
  return adjacent && /\p{L}{2}/u.test(comment.value) ? comment.value : undefined
}
