import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkSync } from 'recheck'
import tap from 'tap'
import ts from 'typescript'

const source = join(import.meta.dirname, '..', '..', 'src')

// The JavaScript build: recheck would start Java or a native program otherwise.
process.env['RECHECK_BACKEND'] = 'pure'

/** No time limit, so that a busy machine changes no result. Enough for patterns that recheck's automata do not cover, such as `{1,128}`; its defaults take a second for each. */
const options = {
  timeout: null,
  maxIteration: 3,
  maxInitialGenerationSize: 50,
  maxGenerationSize: 20,
  crossoverSize: 5,
  mutationSize: 5,
}

interface Pattern {
  readonly source: string
  readonly flags: string
}

/** Regular expressions and the `pattern`s of JSON schemas, which Ajv compiles with the flag `u`; and what is built at run time. */
function patternsIn(file: string): { readonly patterns: Pattern[]; readonly dynamic: string[] } {
  const patterns: Pattern[] = []
  const dynamic: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      patterns.push({ source: node.text.slice(1, end), flags: node.text.slice(end + 1) })
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'pattern') {
      if (ts.isStringLiteralLike(node.initializer)) patterns.push({ source: node.initializer.text, flags: 'u' })
      else dynamic.push(node.getText())
    }
    const isCall = ts.isNewExpression(node) || ts.isCallExpression(node)
    if (isCall && node.expression.getText() === 'RegExp') dynamic.push(node.getText())
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(join(source, file), 'utf8'), ts.ScriptTarget.Latest, true))
  return { patterns, dynamic }
}

tap.test('matches every regular expression in linear time', async (t) => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  for (const file of files) {
    const { patterns, dynamic } = patternsIn(file)
    t.strictSame(dynamic, [], `${file} builds no pattern at run time, which this test cannot check`)
    for (const { source: pattern, flags } of patterns) {
      t.equal(checkSync(pattern, flags, options).status, 'safe', `/${pattern}/${flags} in ${file}`)
    }
  }
})
