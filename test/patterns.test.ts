import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import ts from 'typescript'
import { hostileInputs, parsePattern, stepsOn } from './pattern-steps.js'

const source = join(import.meta.dirname, '..', '..', 'src')

/** A pattern as the source has it. */
interface Found {
  readonly file: string
  readonly source: string
  readonly flags: string
}

/** Regular expressions, `pattern`s of JSON schemas (which Ajv compiles with the flag `u`), and what is made of a text. */
function patternsIn(file: string, text: string): { found: Found[]; made: string[] } {
  const found: Found[] = []
  const made: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      found.push({ file, source: node.text.slice(1, end), flags: node.text.slice(end + 1) })
    }
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'pattern') {
      if (ts.isStringLiteralLike(node.initializer)) found.push({ file, source: node.initializer.text, flags: 'u' })
      else made.push(`${file}: ${node.getText()}`)
    }
    const isMade = (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp'
    if (isMade) made.push(`${file}: ${node.getText()}`)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return { found, made }
}

const length = 120

/** What makes a pattern take more than about twice the steps on twice the input; undefined where nothing does. */
function hostileTo({ source: pattern, flags }: Pick<Found, 'source' | 'flags'>): string | undefined {
  const parsed = parsePattern(pattern, flags)
  const short = hostileInputs(parsed, length)
  for (const input of hostileInputs(parsed, 2 * length)) {
    const once = short.next().value
    const steps = stepsOn(parsed, input)
    // So few for each sign that it does not matter how they grow.
    if (steps < 20 * input.length) continue
    if (typeof once !== 'string' || steps === Number.POSITIVE_INFINITY || steps > 3 * stepsOn(parsed, once))
      return input
  }
  return undefined
}

tap.test('no pattern in the source takes more than its share of time on any input', async (t) => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const all = files.map((file) => patternsIn(file, readFileSync(join(source, file), 'utf8')))
  t.same(
    all.flatMap(({ made }) => made),
    [],
    'none is made of a text that could be anything',
  )
  const found = all.flatMap(({ found: patterns }) => patterns)
  t.ok(found.length > 30, `${found.length} patterns`)
  for (const pattern of found) {
    t.equal(hostileTo(pattern)?.slice(0, 40), undefined, `/${pattern.source}/${pattern.flags} of ${pattern.file}`)
  }
})

tap.test('the check finds patterns that take time by the square of the input, or worse', async (t) => {
  const slow = [
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|ab|b)*c$',
    '^([a-z]+)*\\d$',
    '^(\\w+\\s?)*$',
    '(x+x+)+y',
    '\\s+$',
    '^.*a.*b$',
    '^\\d+(\\.?\\d+)*$',
    '^(?:a?){30,}b$',
    'a*a*b',
    '^(?<name>\\w*)\\w*-$',
    '([^=]+)=([^;]+);$',
  ]
  for (const pattern of slow) t.ok(hostileTo({ source: pattern, flags: '' }) !== undefined, pattern)
})

tap.test('the check lets pass patterns that never do', async (t) => {
  const quick = [
    '^a+$',
    'a|b',
    '^(a|b)*$',
    '^(?:ab)*c$',
    '^a*b*c*$',
    '"[^"]*"',
    '"[^"]*$',
    '^x{2,500}$',
    '[\\]a]+',
    '\\u0041',
    '(?:)',
  ]
  for (const pattern of quick) t.equal(hostileTo({ source: pattern, flags: '' }), undefined, pattern)
})

tap.test('steps are those of an engine that goes back', async (t) => {
  const steps = (pattern: string, input: string, flags = '') => stepsOn(parsePattern(pattern, flags), input)
  t.equal(steps('abc', 'abc'), 3)
  t.equal(steps('b', 'ab'), 2)
  t.equal(steps('^b', 'ab'), 4, 'tried at each place, and at the end')
  t.ok(steps('^(a+)+$', `${'a'.repeat(12)}!`) > 4000)
  t.equal(steps('^(a+)+$', `${'a'.repeat(50)}!`), Number.POSITIVE_INFINITY)
  t.equal(steps('A', 'a', 'i'), 1)
  t.equal(steps('^\\P{Surrogate}$', '\u{1f375}', 'u'), 3, 'a character is one')
  for (const pattern of ['(?=a)', '(?<!a)', '(a)\\1', '\\bword', '(a', 'a)'])
    t.throws(() => parsePattern(pattern), pattern)
})

tap.test('the check sees every way in which a pattern gets into the source', async (t) => {
  const { found, made } = patternsIn(
    'a.ts',
    "const a = /a\\/b/gi\nconst b = { pattern: '^\\\\d$' }\nnew RegExp(x)\nRegExp('a')\nconst c = { pattern: a + b }\n// /c/\n'/d/'",
  )
  t.same(found, [
    { file: 'a.ts', source: 'a\\/b', flags: 'gi' },
    { file: 'a.ts', source: '^\\d$', flags: 'u' },
  ])
  t.equal(made.length, 3)
})
