import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tap, { type Test } from 'tap'
import { hashed, readModules } from '../../src/routes/page-modules.js'

/** A folder with the files of a page. */
function folderOf(t: Test, files: Readonly<Record<string, string>>): URL {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return pathToFileURL(`${folder}/`)
}

tap.test('modules import each other by names with a hash of their content', async (t) => {
  const folder = folderOf(t, {
    'app.js': "import { a } from './a.js'\nimport './b.js'\nexport * from './b.js'\nimport htm from 'htm'\n",
    'a.js': "export const a = 'from here'\n//# sourceMappingURL=a.js.map\n",
    'b.js': 'import{a as n}from"./a.js";export const b = n\n',
  })
  const files = readModules(new URL('app.js', folder))
  const [a, b, vendor, app] = files
  t.match(a, { name: /^a-[0-9a-f]{12}\.js$/, content: "export const a = 'from here'\n" })
  t.notMatch(a?.content, 'sourceMappingURL')
  t.equal(b?.content, `import{a as n}from"./${a?.name}";export const b = n\n`)
  t.match(vendor?.name, /^htm-[0-9a-f]{12}\.js$/)
  t.equal(
    app?.content,
    `import { a } from './${a?.name}'\nimport './${b?.name}'\nexport * from './${b?.name}'\nimport htm from './${vendor?.name}'\n`,
  )
  t.equal(files.length, 4, 'each of them once')
})

tap.test('a file has another name when its content, or that of what it imports, is another', async (t) => {
  t.not(hashed('a.js', '1').name, hashed('a.js', '2').name)
  const nameOf = (content: string) => {
    const folder = folderOf(t, { 'app.js': "import './a.js'\n", 'a.js': content })
    return readModules(new URL('app.js', folder)).at(-1)?.name
  }
  t.equal(nameOf('1'), nameOf('1'))
  t.not(nameOf('1'), nameOf('2'))
})
