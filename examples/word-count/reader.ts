import { actor } from 'millrace'
import { Reader } from './contracts.js'
import { lines } from './lines.js'
import { serve } from './serve.js'

serve(actor(Reader, { lines }))
