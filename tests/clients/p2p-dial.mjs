// Dials a libp2p peer and checks it: TCP, optional pnet, Noise, Yamux, identify, ping, unknown protocol, echo.
// usage: node p2p-dial.mjs /ip4/127.0.0.1/tcp/9096/p2p/12D3KooW...    env: SEED= PSK= | PSK_FILE= [NO_EARLY_MUXER=1]
//   ECHO=1 also runs the echo protocol of p2p-listen.mjs (ECHO_PROTO=name for another), with MiB=4 over one stream and 20 small streams
//   NO_IDENTIFY=1 : the peer does not offer identify
//   EXPECT=fail : the dial must fail (wrong PSK, wrong peer id, ...)
import { node, multiaddr, ECHO, NOSUCH } from './p2p-common.mjs'
import { test, ok, eq, throwsWith, finish } from './lib.mjs'
import crypto from 'node:crypto'
const target = multiaddr(process.argv[2]); const want = process.argv[2].split('/p2p/')[1]
const n = await node()
const echo = process.env.ECHO_PROTO || ECHO
let conn
if (process.env.EXPECT === 'fail') {
  await test('the dial fails', () => throwsWith(() => n.dial(target, { signal: AbortSignal.timeout(8000) })).then((e) => e.message.slice(0, 90)), { timeout: 12000 })
  await n.stop(); finish()
}
const identified = new Promise((res) => n.addEventListener('peer:identify', (e) => res(e.detail), { once: true }))
await test('dial', async () => { conn = await n.dial(target, { signal: AbortSignal.timeout(8000) }); if (want) eq(conn.remotePeer.toString(), want, 'peer id'); return `${conn.remotePeer} ${conn.encryption} ${conn.multiplexer}` })
if (!conn) finish()
await test('noise and yamux were negotiated', async () => { eq([conn.encryption, conn.multiplexer], ['/noise', '/yamux/1.0.0']) })
await test('identify', async () => {
  const d = await Promise.race([identified, new Promise((_, j) => setTimeout(() => j(new Error('no identify answer')), 5000))])
  eq(d.peerId.toString(), conn.remotePeer.toString(), 'peer'); ok(d.agentVersion, 'agentVersion'); ok(Array.isArray(d.protocols), 'protocols')
  return JSON.stringify({ agent: d.agentVersion, proto: d.protocolVersion, protocols: d.protocols, listen: d.listenAddrs.map(String), observed: d.observedAddr?.toString() })
}, { skip: process.env.NO_IDENTIFY && 'our echo has no identify: it speaks what a stream needs, and echoes' })
for (let i = 0; i < 3; i++) await test(`ping ${i}`, async () => `${await n.services.ping.ping(conn.remotePeer)} ms`)
await test('an unknown protocol is refused', () => throwsWith(() => conn.newStream([NOSUCH], { signal: AbortSignal.timeout(5000) }), /protocol|negotiate|select/i))
await test('second choice of two protocols', async () => { const s = await conn.newStream([NOSUCH, '/ipfs/ping/1.0.0'], { signal: AbortSignal.timeout(5000) }); eq(s.protocol, '/ipfs/ping/1.0.0'); await s.close() })
async function echoRun (size, chunk) {
  const s = await conn.newStream([echo], { signal: AbortSignal.timeout(10000) })
  const h1 = crypto.createHash('sha256'); const h2 = crypto.createHash('sha256'); let got = 0
  const rd = (async () => { for await (const b of s) { h2.update(b.subarray()); got += b.byteLength } })()
  for (let o = 0; o < size; o += chunk) { const b = crypto.randomBytes(Math.min(chunk, size - o)); h1.update(b); if (!s.send(b)) await s.onDrain() }
  await s.close(); await rd
  eq(got, size, 'bytes'); eq(h2.digest('hex'), h1.digest('hex'), 'hash')
}
if (process.env.ECHO || process.env.ECHO_PROTO) {
  const mib = Number(process.env.MiB || 4)
  await test('echo 0 bytes', () => echoRun(0, 1)); await test('echo 1 byte', () => echoRun(1, 1)); await test('echo 65519+65520+65536 bytes', () => echoRun(65519 + 65520 + 65536, 65519))
  await test('echo 262144 bytes (one window)', () => echoRun(262144, 16384)); await test('echo 262145 bytes', () => echoRun(262145, 262145))
  const t0 = Date.now(); await test(`echo ${mib} MiB over one stream`, async () => { await echoRun(mib * 1048576, 65536); return `${(mib / ((Date.now() - t0) / 1000)).toFixed(1)} MiB/s` }, { timeout: 120000 })
  await test('20 streams at once', () => Promise.all(Array.from({ length: 20 }, (_, i) => echoRun(10000 * (i + 1), 3000))))
  await test('100 streams one after the other', async () => { for (let i = 0; i < 100; i++) await echoRun(100, 50) })
}
await test('close', async () => { await conn.close() })
await n.stop(); finish()
