// Under node:test; test/plugins runs the same suite under vitest.
import { describe, it } from 'node:test'
import { testTransport } from 'millrace/testing/compliance'
import { portSubject } from './port-setup.js'

testTransport({ describe, it }, portSubject)
