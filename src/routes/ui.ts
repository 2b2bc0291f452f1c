import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'
import { style } from '../ui/style.js'
import { type HashedFile, hashed, readModules } from './page-modules.js'
import { StaticDocument } from './static-document.js'

export interface UiOptions {
  /** The views whose routes this server has: `stock` for search, stock and low stock, `state` for `/status`. */
  readonly views: readonly ('stock' | 'state')[]
}

const year = 'public, max-age=31536000, immutable'
const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b57b0'/%3E%3Cpath d='M4 12V8m4 4V4m4 8V6' stroke='white' stroke-width='2'/%3E%3C/svg%3E"

/** The files of the page; the names of scripts and styles have a hash of their content. */
interface PageFiles {
  readonly scripts: readonly HashedFile[]
  readonly styles: HashedFile
}

const readFiles = (): PageFiles => ({
  scripts: readModules(new URL('../ui/app.js', import.meta.url)),
  styles: hashed('style.css', style),
})

/** @param folder the address of the files relative to that of the page */
function pageHtml({ scripts, styles }: PageFiles, folder: string, views: readonly string[]): string {
  const entry = scripts.at(-1)
  const preloads = scripts.slice(0, -1).map(({ name }) => `<link rel="modulepreload" href="${folder}${name}">`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Stock</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${folder}${styles.name}">
${preloads.join('\n')}
<script type="module" src="${folder}${entry?.name}"></script>
</head>
<body data-views="${views.join(' ')}">
<div id="page"></div>
<noscript>This page needs JavaScript. The API does not: <a href="${folder}../docs">its documentation</a>.</noscript>
</body>
</html>
`
}

/** `GET /ui`: a page for people, and its scripts and styles, without files from elsewhere. */
export default fastifyPlugin<UiOptions>(
  async (app: FastifyInstance, { views }) => {
    const hidden = { schema: { hide: true }, config: { access: 'open', sharesBody: true }, compress: false } as const
    const files = readFiles()
    // Relative addresses work below any prefix, but depend on whether there is a slash at the end.
    for (const [path, folder] of [
      ['/ui', 'ui/'],
      ['/ui/', ''],
    ] as const) {
      const page = new StaticDocument('text/html; charset=utf-8', () => pageHtml(files, folder, views))
      app.get(path, hidden, (request, reply) => page.send(request, reply))
    }
    const documents = new Map(
      [...files.scripts, files.styles].map(({ name, content }) => {
        const type = name.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
        return [name, new StaticDocument(type, () => content, year)]
      }),
    )
    app.get<{ Params: { file: string } }>('/ui/:file', hidden, (request, reply) => {
      const file = documents.get(request.params.file)
      if (file === undefined) throw problem('route_not_found', 'The page has no file of this name')
      return file.send(request, reply)
    })
  },
  { name: 'ui', dependencies: ['auth'] },
)
