import { afterAll } from 'vitest'
import { wasm } from '../src/tensor/backend/wasm/index.js'
import { backendLaws, identicalLaws } from './laws/backend.js'
import { scopeLaws } from './laws/backend-scope.js'

const relaxed = wasm({ threads: 1 })
const plain = wasm({ threads: 1, relaxed: false })
const threaded = wasm({ threads: 2 })

afterAll(() => {
  for (const backend of [relaxed, plain, threaded]) backend.close()
})

for (const backend of [relaxed, plain]) backendLaws(backend.name, backend, 1e-5)

// what holds of one thread's bits holds of the same bits
identicalLaws('wasm, one thread and two', relaxed, threaded)
scopeLaws(threaded.name, threaded)
