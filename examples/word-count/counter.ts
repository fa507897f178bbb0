import { actor } from 'millrace'
import { Counter } from './contracts.js'
import { runningTotals } from './running-totals.js'
import { serve } from './serve.js'

serve(actor(Counter, { totals: runningTotals() }))
