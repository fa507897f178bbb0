import { of } from 'rxjs'
import { methodsOf, type Mutant } from './mutant.js'

/** A lease that the registry had forgotten is made again, but not the record. */
export const recordNotPutAgain: Mutant = {
  name: 'record not put again with its lease',
  store: store => ({ ...methodsOf(store), claim: () => of(true) }),
}
