import { createHmac } from 'node:crypto'
import tap from 'tap'
import { sandboxWebhookSecret, signWebhook } from '../../src/sandbox/webhook-signature.js'

// The example that Svix's and Standard Webhooks' own libraries are tested with.
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const body = '{"test": 2432232314}'

tap.test('signs as Svix does', async (t) => {
  t.strictSame(signWebhook(secret, id, 1614265330, body), {
    'svix-id': id,
    'svix-timestamp': '1614265330',
    'svix-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

tap.test('signs the bytes of the body', async (t) => {
  const text = '{"name": "抹茶"}'
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = `v1,${createHmac('sha256', key).update(`${id}.7.${text}`).digest('base64')}`
  t.equal(signWebhook(secret, id, 7, text)['svix-signature'], expected)
  t.equal(signWebhook([secret], id, 7, Buffer.from(text))['svix-signature'], expected)
})

tap.test('gives a signature for each of several secrets', async (t) => {
  const both = signWebhook([sandboxWebhookSecret, secret], id, 7, body)['svix-signature'].split(' ')
  t.equal(both[0], signWebhook(sandboxWebhookSecret, id, 7, body)['svix-signature'])
  t.equal(both[1], signWebhook(secret, id, 7, body)['svix-signature'])
})

tap.test('refuses a secret without a key', async (t) => {
  for (const wrong of ['', 'whsec_', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']) {
    t.throws(() => signWebhook(wrong, id, 7, body), { message: /expected a webhook secret/ })
  }
})
