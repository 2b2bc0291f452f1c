import tap from 'tap'
import { accepts } from '../../src/http/accept.js'

const json = ['application/json', 'application/problem+json']

tap.test('accepts JSON in every way that a client may ask for it', async (t) => {
  const acceptable = [
    '*/*',
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; indent=4 ; q=0.3',
    'application/json;q=0.9;profile="https://a.example/x,y;z"',
    'application/json; Q=1',
    'application/*;q=0.5',
    'Application/*',
    'application/problem+json',
    'text/html, */*;q=0.1',
    'text/plain, application/json;q=.2',
    'text/html, image/gif, *; q=.2',
    'text/html;level="application/xml,", application/json',
    'application/json;q=0, application/json;charset=utf-8',
    'application/json;q=often',
  ]
  for (const header of acceptable) t.ok(accepts(header, json), header)
})

tap.test('accepts everything if the header has no valid media range', async (t) => {
  for (const header of ['', ' ', ',', ' , ,', 'json', '/', 'a/b/c', ';q=0']) t.ok(accepts(header, json), header)
})

tap.test('does not accept what the header excludes', async (t) => {
  const excluding = [
    'text/html',
    'application/xml, text/*',
    'application/json;q=0, application/problem+json;q=0, */*',
    'application/*;q=0.0, */*',
    '*/*;q=0',
    'text/html;profile="application/json"',
    'application/vnd.api+json',
  ]
  for (const header of excluding) t.notOk(accepts(header, json), header)
  t.ok(accepts('application/json;q=0, */*', json), 'a problem is acceptable')
  t.notOk(accepts('application/json;q=0, */*', ['application/json']))
})
