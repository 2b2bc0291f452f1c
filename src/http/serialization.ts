import compilerModule from '@fastify/fast-json-stringify-compiler'

type SerializerFactory = ReturnType<typeof compilerModule.SerializerSelector>
type Serializer = ReturnType<ReturnType<SerializerFactory>>

/** Compiled serializers by the text of their schema, for each set of schemas that it may refer to. */
const compiled = new Map<string, Map<string, Serializer>>()

/**
 * Builds Fastify's own serializers, but compiles each distinct schema once in a process. Fastify compiles one for every
 * status of every route; most of these are the same problem, and compiling them took half of the start-up time.
 */
export function serializerFactory(): SerializerFactory {
  const createCompiler = compilerModule.SerializerSelector()
  return (sharedSchemas, options) => {
    const compile = createCompiler(sharedSchemas, options)
    const context = JSON.stringify([sharedSchemas, options])
    const serializers = compiled.get(context) ?? new Map<string, Serializer>()
    compiled.set(context, serializers)
    return (route) => {
      const key = JSON.stringify(route.schema)
      const serializer = serializers.get(key) ?? compile(route)
      serializers.set(key, serializer)
      return serializer
    }
  }
}
