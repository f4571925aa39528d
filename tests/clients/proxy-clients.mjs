// Exercises the cluster's IPFS proxy with the two official JS clients of the IPFS RPC API.
// usage: IPFS_PROXY=http://127.0.0.1:9095 [IPFS_API=http://127.0.0.1:5001] [IPFS_CLIENT=kubo|http] node proxy-clients.mjs
//   kubo = kubo-rpc-client 7.1.0 (default), http = ipfs-http-client 60.0.1
// Part A: the calls that the proxy answers itself. Part B: everything else, which must come out exactly as when the
// IPFS daemon behind the proxy (IPFS_API) is asked directly: same value or same error. Part B needs IPFS_API.
import { test, ok, eq, throwsWith, need, finish, rand, sleep } from './lib.mjs'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import * as raw from 'multiformats/codecs/raw'
// Kubo lists these in no particular order
const sorted = (v) => Array.isArray(v) ? v.map(sorted).sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1) : v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, sorted(x)])) : v
const kind = process.env.IPFS_CLIENT || 'kubo'
const { create } = await import(kind === 'http' ? 'ipfs-http-client' : 'kubo-rpc-client')
const proxyUrl = await need('IPFS_PROXY')
if (process.env.IPFS_API) await need('IPFS_API')
const c = create({ url: proxyUrl })
const direct = process.env.IPFS_API ? create({ url: process.env.IPFS_API }) : null
const enc = new TextEncoder()
const all = async (it) => { const o = []; for await (const x of it) o.push(x); return o }
const bytes = async (it) => Buffer.concat((await all(it)).map((x) => Buffer.from(x)))
const rawCid = async (b) => CID.createV1(raw.code, await sha256.digest(b))
const tag = Buffer.from(rand(5)).toString('hex')
const HELLO = 'QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN'

// ---------- A: hijacked by the proxy
await test('A add(bytes)', async () => { const r = await c.add(enc.encode('hello\n')); eq(r.cid.toString(), HELLO); eq(r.size, 14, 'size') })
await test('A add({path, content}) keeps the name', async () => { const r = await c.add({ path: 'h.txt', content: 'hello\n' }); eq(r.path, 'h.txt'); eq(r.cid.toString(), HELLO) })
await test('A add({cidVersion: 1})', async () => { const r = await c.add(enc.encode('hello\n'), { cidVersion: 1 }); eq(r.cid.toString(), 'bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am') })
await test('A add({cidVersion: 1, rawLeaves: false})', async () => { const r = await c.add(enc.encode('hello\n'), { cidVersion: 1, rawLeaves: false }); eq(r.cid.toString(), 'bafybeiffndsajwhk3lwjewwdxqntmjm4b5wxaaanokonsggenkbw6slwk4') })
await test('A add({wrapWithDirectory})', async () => { const r = await all(c.addAll([{ path: 'a.txt', content: 'one\n' }, { path: 'sub/b.txt', content: 'two\n' }], { wrapWithDirectory: true, cidVersion: 1 })); eq(r[r.length - 1].cid.toString(), 'bafybeihlazww73llxagkfobuszovgx6pjimkz5mosvyugdsxkojogdkxqq', JSON.stringify(r.map((x) => [x.path, String(x.cid)]))) })
await test('A addAll(directory d)', async () => { const r = await all(c.addAll([{ path: 'd/a.txt', content: 'a' }, { path: 'd/b.txt', content: 'b' }, { path: 'd/e' }])); eq(r.map((x) => x.path).filter((x) => x !== 'd/e').sort(), ['d', 'd/a.txt', 'd/b.txt']); eq(String(r.find((x) => x.path === 'd').cid), 'QmZFa5SHawgbkyy5KM834VnRRda6K5SQTXVRt4nLeo3uFP', 'd') })
await test('A add({progress})', async () => { let n = 0; const b = rand(700000); const r = await c.add(b, { progress: (x) => { n = x } }); ok(n === b.length || n === 0, 'progress ' + n); ok(r.size > b.length); return `last progress ${n}` })
await test('A add({trickle, chunker})', async () => { const r = await c.add(enc.encode('abcdefghij'), { chunker: 'size-4', cidVersion: 1 }); eq(r.cid.toString(), 'bafybeie7i44qke6q6cwjgear5vsoxxypcnnx34owdyqvf6z7rtcgkycacu') })
await test('A add(async generator, 3 MiB)', async () => { const r = await c.add((async function * () { for (let i = 0; i < 48; i++) yield rand(65536) })()); ok(r.size > 3e6) })
const d1 = enc.encode('np ' + tag); const np = await rawCid(d1)
await test('A add({pin: false}) is not in pin.ls', async () => { const r = await c.add(d1, { pin: false, cidVersion: 1 }); eq(String(r.cid), String(np)); await throwsWith(() => all(c.pin.ls({ paths: np })), /not pinned/) })
const a = (await rawCid(rand(20))); const b = (await rawCid(rand(20)))
await test('A pin.add(cid)', async () => { eq(String(await c.pin.add(a)), String(a)) })
await test('A pin.add("/ipfs/cid")', async () => { eq(String(await c.pin.add('/ipfs/' + b)), String(b)) })
await test('A pin.addAll', async () => { const r = await all(c.pin.addAll([a, b])); eq(r.map(String), [String(a), String(b)]) })
await test('A pin.ls() lists them', async () => { const r = await all(c.pin.ls()); ok([a, b].every((x) => r.some((y) => String(y.cid) === String(x))), 'missing'); ok(r.every((x) => ['recursive', 'direct'].includes(x.type))) })
await test('A pin.ls({paths})', async () => { const r = await all(c.pin.ls({ paths: a })); eq(r.map((x) => [String(x.cid), x.type]), [[String(a), 'recursive']]) })
await test('A pin.ls({type: recursive})', async () => { ok((await all(c.pin.ls({ type: 'recursive' }))).length >= 2) })
await test('A pin.ls({paths: not pinned}) fails', async () => { await throwsWith(async () => all(c.pin.ls({ paths: await rawCid(rand(7)) })), /is not pinned/) })
if (c.pin.update) await test('A pin.update(from, to)', async () => { const n = await rawCid(rand(20)); const r = await c.pin.update(a, n); eq(r.map(String), [String(a), String(n)]); await throwsWith(() => all(c.pin.ls({ paths: a })), /not pinned/); eq((await all(c.pin.ls({ paths: n }))).length, 1); await c.pin.rm(n) })
await test('A pin.rm(cid)', async () => { eq(String(await c.pin.rm(b)), String(b)) })
await test('A pin.rmAll', async () => { await c.pin.add(a); await c.pin.add(b); eq((await all(c.pin.rmAll([a, b]))).map(String), [String(a), String(b)]) })
await test('A pin.rm(not pinned) fails', async () => { await throwsWith(() => c.pin.rm(b)) })
await test('A pin.add(garbage) fails', async () => { await throwsWith(() => c.pin.add('zzz')) })
await test('A repo.stat()', async () => { const s = await c.repo.stat(); ok(s.repoSize > 0n, 'repoSize'); ok(s.storageMax > 0n, 'storageMax') }, { known: /Cannot convert undefined to a BigInt/ })
await test('A repo/stat raw body', async () => { const s = await (await fetch(proxyUrl + '/api/v0/repo/stat', { method: 'POST' })).json(); ok(Number.isInteger(s.RepoSize) && Number.isInteger(s.StorageMax), JSON.stringify(s)) })
await test('A repo.gc()', async () => { const r = await all(c.repo.gc()); ok(r.every((x) => x.cid || x.err), 'rows') })
await test('A block.put({pin: true}) pins', async () => { const x = rand(50); const k = await c.block.put(x, { format: 'raw', mhtype: 'sha2-256', version: 1, pin: true }); eq(String(k), String(await rawCid(x))); await sleep(300); eq((await all(c.pin.ls({ paths: k }))).length, 1) }, process.env.IPFS_API ? {} : { skip: 'needs an IPFS daemon' })
await test('A dag.put({pin: true}) pins', async () => { const k = await c.dag.put({ a: tag }, { storeCodec: 'dag-cbor', pin: true }); await sleep(300); eq((await all(c.pin.ls({ paths: k }))).length, 1) }, process.env.IPFS_API ? {} : { skip: 'needs an IPFS daemon' })
for (const [m, h] of [['GET', '/api/v0/pin/ls?stream=false'], ['POST', `/api/v0/pin/ls/${HELLO}`], ['POST', '/api/v0/pin/add']]) await test(`A raw ${m} ${h.split('?')[0]}`, async () => { const r = await fetch(proxyUrl + h, { method: m }); const t = await r.text(); JSON.parse(t); return `${r.status} ${t.slice(0, 60).trim()}` })

// ---------- B: forwarded
if (direct) {
  const norm = (v) => JSON.stringify(v, (k, x) => typeof x === 'bigint' ? `${x}n` : x?.asCID === x && x ? x.toString() : CID.asCID(x) ? CID.asCID(x).toString() : x instanceof Uint8Array ? Buffer.from(x).toString('hex') : x)
  const call = async (cl, f) => {
    const ac = new AbortController(); const t = setTimeout(() => ac.abort(), 4000)
    try { return { v: await Promise.race([f(cl, { signal: ac.signal, timeout: 3500 }), new Promise((_, j) => setTimeout(() => j(new Error('TIMEOUT')), 4500))]) } } catch (e) { return { e: /abort|TIMEOUT|timed out/i.test(e.message) ? 'TIMEOUT' : e.message.split('\n')[0] } } finally { clearTimeout(t) }
  }
  const blk = await direct.block.put(enc.encode('blk ' + tag), kind === 'http' ? { format: 'raw', version: 1 } : { format: 'raw' }).catch(() => null)
  await direct.add(enc.encode('hello\n')).catch(() => {})
  const dir = (await all(direct.addAll([{ path: 'd/a.txt', content: 'a' }, { path: 'd/b.txt', content: 'b' }]))).pop().cid
  const me = await direct.id()
  const B = [ // [name, fn(client, opts), loose?]  loose = only success/failure must agree
    ['version', (x, o) => x.version(o)], ['id', (x, o) => x.id(o)], ['isOnline', (x) => x.isOnline()], ['commands', async (x, o) => sorted(await x.commands(o))],
    ['cat', async (x, o) => bytes(x.cat(HELLO, o))], ['cat offset', async (x, o) => bytes(x.cat(HELLO, { ...o, offset: 1, length: 3 }))], ['cat missing', async (x, o) => bytes(x.cat('bafkreiea7f6cb5ojhfs4wxjdqxjyrvnxjjh4nhpx6vjhcq3ywykxjrsmda', { ...o, timeout: 1500 }))],
    ['get', async (x, o) => (await bytes(x.get(HELLO, o))).length, true], ['ls', async (x, o) => all(x.ls(dir, o))], ['resolve', (x, o) => x.resolve(`/ipfs/${dir}/a.txt`, o)],
    ['block.get', (x, o) => x.block.get(blk, o)], ['block.stat', (x, o) => x.block.stat(blk, o)], ['block.put', (x, o) => x.block.put(enc.encode('p ' + tag), { ...o, format: 'raw', version: 1 })], ['block.rm', async (x, o) => all(x.block.rm(await direct.block.put(enc.encode('rm ' + tag), { format: 'raw', version: 1 }), o))],
    ['dag.put', (x, o) => x.dag.put({ x: 1 }, o)], ['dag.get', async (x, o) => x.dag.get(await direct.dag.put({ x: 1 }), o)], ['dag.resolve', (x, o) => x.dag.resolve(`${dir}/a.txt`, o)], ['dag.export', async (x, o) => (await bytes(x.dag.export(dir, o))).length], ['dag.import', async (x, o) => all(x.dag.import(direct.dag.export(dir), o))],
    ['refs', async (x, o) => all(x.refs(dir, { ...o, recursive: true }))], ['refs.local', async (x, o) => (await all(x.refs.local(o))).length > 0],
    ['repo.version', (x, o) => x.repo.version(o)], ['stats.bw', async (x, o) => (await all(x.stats.bw(o))).length], ['stats.bitswap', (x, o) => x.stats.bitswap(o), true], ['stats.repo', (x, o) => x.stats.repo({ signal: o.signal }), true],
    ['bitswap.stat', (x, o) => x.bitswap.stat(o), true], ['bitswap.wantlist', (x, o) => x.bitswap.wantlist(o)], ['bitswap.wantlistForPeer', (x, o) => x.bitswap.wantlistForPeer(me.id, o)],
    ['bootstrap.list', (x, o) => x.bootstrap.list(o)], ['bootstrap.add', (x, o) => x.bootstrap.add('/ip4/127.0.0.1/tcp/1/p2p/' + me.id, o)], ['bootstrap.rm', async (x, o) => { await x.bootstrap.add('/ip4/127.0.0.1/tcp/1/p2p/' + me.id, o); return x.bootstrap.rm('/ip4/127.0.0.1/tcp/1/p2p/' + me.id, o) }],
    ['config.get', (x, o) => x.config.get('Addresses.API', o)], ['config.getAll', (x, o) => x.config.getAll(o)], ['config.set', (x, o) => x.config.set('Test.Key', tag, o)], ['config.profiles.list', (x, o) => x.config.profiles.list ? x.config.profiles.list(o) : 'none'], ['config.profiles.apply', (x, o) => x.config.profiles.apply('test', { ...o, dryRun: true }), true],
    ['swarm.peers', (x, o) => x.swarm.peers(o), true], ['swarm.addrs', (x, o) => x.swarm.addrs(o)], ['swarm.localAddrs', (x, o) => x.swarm.localAddrs(o)], ['swarm.connect bad', (x, o) => x.swarm.connect('/ip4/127.0.0.1/tcp/1/p2p/12D3KooWHcvwETJWPMDA7ao8tEzUHSc8A7eW3DaLSmc5LMFmSM24', o), true], ['swarm.disconnect', (x, o) => x.swarm.disconnect('/ip4/127.0.0.1/tcp/1/p2p/12D3KooWHcvwETJWPMDA7ao8tEzUHSc8A7eW3DaLSmc5LMFmSM24', o), true],
    ['key.list', (x, o) => x.key.list(o)], ['key.gen', (x, o) => x.key.gen('k' + Math.random().toString(36).slice(2), { ...o, type: 'ed25519' }), true], ['key.rename', async (x, o) => { const n = 'r' + Math.random().toString(36).slice(2); await direct.key.gen(n, { type: 'ed25519' }); return x.key.rename(n, n + 'x', o) }, true], ['key.rm', async (x, o) => { const n = 'm' + Math.random().toString(36).slice(2); await direct.key.gen(n, { type: 'ed25519' }); return x.key.rm(n, o) }, true], ['key.import', (x, o) => x.key.import('imp', 'bad', 'pw', o)],
    ['name.publish', (x, o) => x.name.publish('/ipfs/' + HELLO, o)], ['name.resolve', async (x, o) => all(x.name.resolve('/ipns/' + me.id, o)), true], ['name.pubsub.state', (x, o) => x.name.pubsub.state(o)], ['name.pubsub.subs', (x, o) => x.name.pubsub.subs(o)], ['name.pubsub.cancel', (x, o) => x.name.pubsub.cancel('/ipns/' + me.id, o)],
    ['files.mkdir', (x, o) => x.files.mkdir('/t' + tag, { ...o, parents: true })], ['files.write', (x, o) => x.files.write(`/t${tag}/f`, enc.encode('file'), { ...o, create: true, truncate: true })], ['files.read', async (x, o) => bytes(x.files.read(`/t${tag}/f`, o))], ['files.stat', (x, o) => x.files.stat(`/t${tag}/f`, o)], ['files.ls', async (x, o) => all(x.files.ls(`/t${tag}`, { ...o, long: true }))], ['files.cp', (x, o) => x.files.cp('/ipfs/' + HELLO, `/t${tag}/c${Math.random()}`, o), true], ['files.mv', async (x, o) => { const n = `/t${tag}/m${Math.random()}`; await direct.files.cp('/ipfs/' + HELLO, n); return x.files.mv(n, n + 'x', o) }, true], ['files.flush', (x, o) => x.files.flush('/', o), true], ['files.chmod', (x, o) => x.files.chmod ? x.files.chmod(`/t${tag}/f`, '0600', o) : 'none'], ['files.touch', (x, o) => x.files.touch ? x.files.touch(`/t${tag}/f`, { ...o, mtime: { secs: 5 } }) : 'none'], ['files.rm', async (x, o) => { const n = `/t${tag}/rm${Math.random()}`; await direct.files.cp('/ipfs/' + HELLO, n); return x.files.rm(n, o) }, true],
    ['object.patch.addLink', (x, o) => x.object.patch.addLink(dir, { Name: 'z', Hash: CID.parse(HELLO), Tsize: 14 }, o)], ['object.patch.rmLink', (x, o) => x.object.patch.rmLink(dir, 'a.txt', o)], ['object.get', (x, o) => x.object.get ? x.object.get(dir, o) : 'none'], ['object.stat', (x, o) => x.object.stat ? x.object.stat(dir, o) : 'none'], ['object.links', (x, o) => x.object.links ? x.object.links(dir, o) : 'none'], ['object.data', (x, o) => x.object.data ? x.object.data(dir, o) : 'none'], ['object.new', (x, o) => x.object.new ? x.object.new(o) : 'none'],
    ['pubsub.ls', (x, o) => x.pubsub.ls(o)], ['pubsub.peers', (x, o) => x.pubsub.peers('t', o)], ['pubsub.publish', (x, o) => x.pubsub.publish('t', enc.encode('m'), o)], ['pubsub.subscribe', async (x, o) => { await x.pubsub.subscribe('t', () => {}, o) }, true],
    ['pin.remote.service.ls', (x, o) => x.pin.remote.service.ls(o)], ['pin.remote.service.add', (x, o) => x.pin.remote.service.add('s' + Math.random(), { ...o, endpoint: new URL('http://127.0.0.1:1'), key: 'k' }), true], ['pin.remote.ls', async (x, o) => all(x.pin.remote.ls({ ...o, service: 'none' }))], ['pin.remote.add', (x, o) => x.pin.remote.add(CID.parse(HELLO), { ...o, service: 'none' })], ['pin.remote.rm', (x, o) => x.pin.remote.rm({ ...o, service: 'none' })],
    ['diag.cmds', (x, o) => x.diag.cmds(o), true], ['diag.net', (x, o) => x.diag.net(o)], ['diag.sys', (x, o) => x.diag.sys(o), true], ['log.ls', async (x, o) => sorted(await x.log.ls(o))], ['log.level', (x, o) => x.log.level('all', 'error', o)], ['mount', (x, o) => x.mount(o)], ['ping', async (x, o) => all(x.ping('12D3KooWHcvwETJWPMDA7ao8tEzUHSc8A7eW3DaLSmc5LMFmSM24', { ...o, count: 1 })), true], ['dns', (x, o) => x.dns ? x.dns('ipfs.invalid', o) : 'none'],
    ['dht.query', async (x, o) => all(x.dht.query(me.id, o)), true], ['routing.findPeer', async (x, o) => x.routing ? all(x.routing.findPeer(me.id, o)) : 'none', true], ['routing.findProvs', async (x, o) => x.routing ? all(x.routing.findProvs(CID.parse(HELLO), o)) : 'none', true], ['routing.get', async (x, o) => x.routing ? all(x.routing.get('/ipns/' + me.id, o)) : 'none', true], ['routing.provide', async (x, o) => x.routing ? all(x.routing.provide(CID.parse(HELLO), o)) : 'none', true], ['provide.stat', (x, o) => x.provide ? x.provide.stat(o) : 'none', true]
  ]
  for (const [name, f, loose] of B) {
    await test(`B ${name}`, async () => {
      const x = await call(direct, f); const y = await call(c, f)
      if (loose) { eq(!!y.e, !!x.e, `proxy: ${y.e ?? 'ok'} direct: ${x.e ?? 'ok'}`) } else { eq(y.e ?? null, x.e ?? null, 'error'); eq(norm(y.v), norm(x.v), 'value') }
      return x.e ? `both fail: ${x.e.slice(0, 50)}` : undefined
    })
  }
  for (const m of ['OPTIONS', 'HEAD']) await test(`B ${m} /api/v0/id has the daemon's status`, async () => { const p = await fetch(proxyUrl + '/api/v0/id', { method: m }); const d = await fetch(process.env.IPFS_API + '/api/v0/id', { method: m }); eq(p.status, d.status) })
  await test('B unknown endpoint', async () => { const p = await fetch(proxyUrl + '/api/v0/nope', { method: 'POST' }); const d = await fetch(process.env.IPFS_API + '/api/v0/nope', { method: 'POST' }); eq([p.status, await p.text()], [d.status, await d.text()]) })
}
finish()
