export * from '../tensor/special.js'
