import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** A file of a page under a name that has a hash of its content, so that browsers may keep it for ever. */
export interface HashedFile {
  readonly name: string
  readonly content: string
}

/** The import and export declarations of a module that name another one. */
const specifiers = /(\bfrom\s*|^import\s*)(["'])([^"']+)\2/gm

/** Names a file by its content. */
export const hashed = (name: string, content: string): HashedFile => ({
  name: name.replace(/(?=\.[^.]*$)/, `-${hash('sha256', content, 'hex').slice(0, 12)}`),
  content,
})

/**
 * Reads a module and all that it imports, from its folder or from packages, and makes them import each other by their hashed
 * names. A browser needs no import map then, which a strict CSP would not let it read.
 * @returns the files, those that a file imports before it; the entry is the last
 */
export function readModules(entry: URL): HashedFile[] {
  const files = new Map<string, HashedFile>()
  const read = (url: string): HashedFile => {
    const known = files.get(url)
    if (known !== undefined) return known
    const source = readFileSync(new URL(url), 'utf8').replace(/^\/\/# sourceMappingURL=.*$/gm, '')
    const content = source.replace(specifiers, (_all, before: string, quote: string, specifier: string) => {
      const imported = specifier.startsWith('.') ? new URL(specifier, url).href : import.meta.resolve(specifier)
      return `${before}${quote}./${read(imported).name}${quote}`
    })
    const file = hashed(basename(new URL(url).pathname).replace(/\.mjs$/, '.js'), content)
    files.set(url, file)
    return file
  }
  read(entry.href)
  return Array.from(files.values())
}
