import { testTransport } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'
import { portSubject } from '../../examples/plugins/port-setup.js'

testTransport({ describe, it }, portSubject)
