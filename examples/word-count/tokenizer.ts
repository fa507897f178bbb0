import { actor } from 'millrace'
import { map } from 'rxjs'
import { Tokenizer } from './contracts.js'
import { serve } from './serve.js'
import { wordsOf } from './words.js'

serve(actor(Tokenizer, { words: line$ => line$.pipe(map(wordsOf)) }))
