import { namedExports, noAny, privateReadonly, typedErrors } from './code-rules.js'
import { documented, documentedDefaults } from './documented-rules.js'
import { exactNumbers, oneDoorToTime, quietLibrary } from './global-rules.js'
import { barrels, implementationsApart, importDirection, noCycles, packageForms } from './import-rules.js'
import { kebabCase, namesThatSay, noModuleState } from './name-rules.js'
import { nodeApart, portableGlobals } from './portable-rules.js'
import { noMocks, noSleeps, shortTitles } from './test-rules.js'
import type { Rule } from './source-file.js'

/** The rules that hold in `src`. */
export const sourceRules: readonly Rule[] = [
  importDirection,
  noCycles,
  barrels,
  implementationsApart,
  nodeApart,
  packageForms,
  namesThatSay,
  kebabCase,
  noModuleState,
  oneDoorToTime,
  exactNumbers,
  quietLibrary,
  portableGlobals,
  typedErrors,
  namedExports,
  noAny,
  privateReadonly,
  documented,
  documentedDefaults,
]

/** The rules that hold in tests, benches and examples too. */
export const everywhereRules: readonly Rule[] = [namesThatSay, kebabCase, shortTitles, noSleeps, noMocks]
