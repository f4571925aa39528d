// The stand-in IPFS daemon must not lie: every request that a cluster peer or its proxy sends, asked of a real
// Kubo and of the stand-in, and the answers compared: status, header fields, trailers, and the body word by
// word, or its keys and types where the values are each daemon's own.
//
//   node kubo_contract.js REAL_A REAL_B STANDIN_A STANDIN_B       each HOST:PORT; nobody is connected yet
//
// Node's own modules only. Closes with "N passed, N failed".
'use strict';
const http = require('http');

const [realA, realB, standinA, standinB] = process.argv.slice(2);
if (!standinB) {
    console.error('usage: kubo_contract.js REAL_A REAL_B STANDIN_A STANDIN_B');
    process.exit(2);
}

// ---- asking ----

const agent = new http.Agent({ keepAlive: false });

// {status, headers, trailers, lines: [text], body, broke}; `cut` ms: the client leaves then.
function ask(address, request) {
    const [host, port] = address.split(':');
    return new Promise((resolve) => {
        const options = {
            host, port, agent, method: request.method || 'POST', path: request.path, headers: request.headers || {},
        };
        const answer = { status: 0, headers: {}, trailers: {}, body: '', broke: false };
        let timer = null, over = false;
        // The first event decides: what node tells of a connection that the client has left says nothing of the daemon.
        const end = (broke) => {
            if (over) return;
            over = true;
            answer.broke = broke;
            clearTimeout(timer);
            resolve(answer);
        };
        const outgoing = http.request(options, (incoming) => {
            const pieces = [];
            answer.status = incoming.statusCode;
            answer.headers = incoming.headers;
            incoming.on('data', (piece) => {
                pieces.push(piece);
                answer.body = Buffer.concat(pieces).toString('latin1');
            });
            incoming.on('end', () => {
                answer.trailers = incoming.trailers;
                end(!incoming.complete);
            });
            incoming.on('error', () => end(true));
            incoming.on('close', () => end(!incoming.complete));
        });
        outgoing.on('error', () => end(true));
        timer = setTimeout(() => { end(false); outgoing.destroy(); }, request.cut || 15000);
        if (request.body !== undefined) outgoing.write(request.body);
        outgoing.end();
    });
}

function multipart(parts) {
    const pieces = [];
    for (const part of parts) {
        const name = part.name === undefined ? '' : `; filename="${encodeURIComponent(part.name)}"`;
        pieces.push(Buffer.from(`--between\r\nContent-Disposition: form-data; name="file"${name}\r\n` +
            `Content-Type: ${part.type || 'application/octet-stream'}\r\n\r\n`));
        pieces.push(Buffer.from(part.content || ''), Buffer.from('\r\n'));
    }
    pieces.push(Buffer.from('--between--\r\n'));
    return { headers: { 'Content-Type': 'multipart/form-data; boundary=between' }, body: Buffer.concat(pieces) };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- comparing ----

// What is each daemon's own: ids, ports, sizes of its disk.
function plain(text, world) {
    for (const [own, common] of world.names) text = text.split(own).join(common);
    return text;
}

const FIELDS = ['content-type', 'trailer', 'vary', 'server', 'allow', 'x-chunked-output', 'x-stream-output',
    'x-content-length', 'x-content-type-options', 'access-control-allow-headers', 'access-control-expose-headers',
    'access-control-allow-origin', 'access-control-allow-methods', 'content-length', 'transfer-encoding', 'location'];

function objects(text) {
    return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
}

// The same keys and types; `mayLack`: what the stand-in does not tell is no lie.
function shapes(real, own, mayLack, path) {
    const kind = (v) => v === null ? 'null' : Array.isArray(v) ? 'array' : typeof v;
    if (kind(real) !== kind(own)) return [`${path}: ${kind(real)} at Kubo, ${kind(own)} at the stand-in`];
    if (kind(real) === 'array')
        return real.length && own.length ? shapes(real[0], own[0], mayLack, path + '[0]') : [];
    if (kind(real) !== 'object') return [];
    const wrong = [];
    for (const key of Object.keys(own))
        if (!(key in real)) wrong.push(`${path}.${key}: not in Kubo's answer`);
    for (const key of Object.keys(real)) {
        if (key in own) wrong.push(...shapes(real[key], own[key], mayLack, path + '.' + key));
        else if (!mayLack) wrong.push(`${path}.${key}: not in the stand-in's answer`);
    }
    return wrong;
}

function bodies(how, real, own) {
    const same = (a, b) => a === b ? [] : [`body:\n      Kubo     ${a.slice(0, 600)}\n      stand-in ${b.slice(0, 600)}`];
    switch (how) {
    case 'shape': return shapes(objects(real), objects(own), false, '');
    case 'part': return shapes(objects(real), objects(own), true, '');
    // Kubo also makes folders that nobody asked for, and drops them again.
    case 'among': return own.split('\n').filter((line) => !real.includes(line))
        .map((line) => `not in Kubo's answer: ${line}`);
    case 'lines': return same(real.split('\n').sort().join('\n'), own.split('\n').sort().join('\n'));
    // Empty progress lines come as long as one waits; how many there were is a matter of moments.
    case 'progress': return same(real.replace(/({}\n)+/, '{}\n'), own.replace(/({}\n)+/, '{}\n'));
    default: return same(real, own);
    }
}

function differences(step, real, own) {
    const wrong = [];
    if (real.status !== own.status) wrong.push(`status: ${real.status} at Kubo, ${own.status} at the stand-in`);
    for (const name of FIELDS) {
        if (step.ignore && step.ignore.includes(name)) continue;
        const a = plain(real.headers[name] || '', worlds.real), b = plain(own.headers[name] || '', worlds.standin);
        if (a !== b) wrong.push(`${name}: "${a}" at Kubo, "${b}" at the stand-in`);
    }
    // Whose deadline comes first inside Kubo, the pin's or the request's, is a matter of moments.
    const words = (trailers) => JSON.stringify(trailers).replace('"pin: context', '"context');
    const a = words(real.trailers), b = words(own.trailers);
    if (a !== b) wrong.push(`trailers: ${a} at Kubo, ${b} at the stand-in`);
    if (real.broke !== own.broke) wrong.push(`broke off: ${real.broke} at Kubo, ${own.broke} at the stand-in`);
    return wrong.concat(bodies(step.how, plain(real.body, worlds.real), plain(own.body, worlds.standin)));
}

// ---- the steps, in order: each builds on those before ----

const HELLO = 'QmZEKvGrSnEop9uoytsFQ8bbdZUQwQQ8k3F2xwcWGZpk1L';     // "hello vector\n"
const MISSING = 'bafkreigd2hvcpg2fv7a5uhjlkh2wu5pln3jxvhlvdzfvug6ccyzwkocqd4';
const STRANGER = '12D3KooWDtRs6bzy5eVk5nMh7rCkGzmecKuU8Ra8YFvtXzqn4yZD';
const hello = { name: 'a.txt', content: 'hello vector\n' };
const folder = [
    { name: 'd', type: 'application/x-directory' },
    { name: 'd/one.txt', content: 'one\n' },
    { name: 'd/sub', type: 'application/x-directory' },
    { name: 'd/sub/two.txt', content: 'two\n' },
];
const FOLDER = 'QmSUpUCXZSMMMVmdsc6Hnuwq2x4MQkWmMu6Bt17UyM7KF7';
const ONE = 'QmUB9Nr7RpqNYQpyh4W9r3RQNttiPQ6BQ9iQLkw9LztJFz';
const RAW = 'bafkreia43tmoxpxcby5kl3wbdzfefrppwrd6qnke74nublzmgy4bde4cmi'; // "raw block\n"

const api = (path) => '/api/v0/' + path;
const post = (name, path, more) => ({ name, path: api(path), ...more });
const upload = (name, path, parts, more) => ({ name, path: api(path), ...multipart(parts), ...more });
const lines = { how: 'lines' };

const steps = [
    // the daemon itself
    post('id', 'id', { how: 'part' }),
    post('version', 'version'),
    post('config/show', 'config/show', { how: 'part' }),
    post('swarm/peers of nobody', 'swarm/peers'),
    post('repo/stat', 'repo/stat?size-only=true', { how: 'shape' }),
    post('repo/stat in full', 'repo/stat', { how: 'shape' }),
    // what is wrong with a request
    { name: 'GET as old peers ask', method: 'GET', path: api('pin/ls?type=recursive') },
    { name: 'PUT', method: 'PUT', path: api('id') },
    { name: 'HEAD', method: 'HEAD', path: api('id') },
    { name: 'OPTIONS', method: 'OPTIONS', path: api('version') },
    { name: 'OPTIONS of the proxy', method: 'OPTIONS', path: api('pin/add'),
        headers: { Origin: 'http://elsewhere.example', 'Access-Control-Request-Method': 'POST' } },
    post('foreign origin', 'version', { headers: { Origin: 'http://elsewhere.example' } }),
    post('a browser', 'version', { headers: { 'User-Agent': 'Mozilla/5.0' } }),
    post('no such command', 'nosuch'),
    post('no such command in a group', 'pin/nosuch'),
    post('a group alone', 'pin'),
    { name: 'two slashes', path: '//api/v0/id' },
    { name: 'outside', path: '/nothing' },
    post('unknown option', 'version?nosuch=1'),
    post('surplus argument', 'version?arg=x'),
    post('bad bool', 'pin/ls?quiet=maybe'),
    post('bad int', `cat?arg=${HELLO}&offset=x`),
    post('bad int, and no body', 'add?cid-version=x'),
    post('bad bool, and no argument', 'pin/add?recursive=perhaps'),
    post('bad bool, bad encoding', 'pin/ls?quiet=maybe&encoding=nosuch'),
    post('bad timeout, bad encoding', 'pin/ls?timeout=abc&encoding=nosuch'),
    post('bool without a value', 'pin/ls?stream&type=recursive'),
    post('short option', 'pin/ls?s=true&t=recursive'),
    post('bad timeout', 'pin/ls?timeout=abc'),
    post('bad encoding', 'version?encoding=nosuch'),
    // adding
    upload('add', 'add', [hello]),
    upload('add again, with progress', 'add?progress=true', [hello]),
    upload('add nothing', 'add?progress=true&pin=false', [{ name: 'empty', content: '' }]),
    upload('add as the proxy does', 'add?pin=false&progress=false', [hello]),
    upload('add v1', 'add?cid-version=1', [hello]),
    upload('add v1 without raw leaves', 'add?cid-version=1&raw-leaves=false&pin=false', [hello]),
    upload('add raw leaves', 'add?raw-leaves=true&pin=false', [hello]),
    upload('add only the hash', 'add?only-hash=true', [{ name: 'h', content: 'only hash\n' }]),
    upload('add wrapped', 'add?wrap-with-directory=true&pin=false', [hello]),
    upload('add a folder', 'add?pin=false', folder),
    upload('add a folder, v1', 'add?pin=false&cid-version=1', folder),
    upload('add a folder that paths imply', 'add?pin=false', [folder[1], folder[3]]),
    upload('add two files', 'add?pin=false', [folder[1], hello].map((p) => ({ ...p, name: p.name.replace('d/', '') }))),
    upload('add two, wrapped', 'add?pin=false&wrap-with-directory=true', [
        { name: 'one.txt', content: 'one\n' }, { name: 'two.txt', content: 'two\n' }]),
    upload('add a folder and a file', 'add?pin=false', folder.concat([hello])),
    upload('add without a name', 'add?pin=false', [{ content: 'hello vector\n' }]),
    upload('add under a name', 'add?pin-name=named', [{ name: 'p.txt', content: 'a named pin\n' }]),
    upload('add a whole chunk', 'add?pin=false', [{ name: 'chunk', content: Buffer.alloc(262144, 7) }]),
    post('add without a body', 'add'),
    post('add what is not multipart', 'add', { headers: { 'Content-Type': 'text/plain' }, body: 'plain' }),
    upload('add no part', 'add', []),
    upload('add with a bad chunker', 'add?chunker=nosuch', [hello]),
    upload('add with a bad hash', 'add?hash=nosuch', [hello]),
    upload('add with a bad version', 'add?cid-version=9', [hello]),
    post('add cut short', 'add?pin=false', { headers: { 'Content-Type': 'multipart/form-data; boundary=between' },
        body: '--between\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhe' }),
    // blocks
    upload('block/put', 'block/put?cid-codec=raw&mhtype=sha2-256&mhlen=32&pin=false&allow-big-block=true',
        [{ name: 'data', content: 'raw block\n' }]),
    upload('block/put three', 'block/put?cid-codec=raw&mhtype=sha2-256&mhlen=-1&pin=false',
        ['0', '1', '2'].map((n) => ({ name: '', content: `block ${n}\n` }))),
    upload('block/put dag-pb', 'block/put?cid-codec=dag-pb&mhtype=sha2-256&mhlen=32&pin=false',
        [{ name: 'data', content: '\n\x07\x08\x02\x12\x01x\x18\x01' }]),
    upload('block/put v0', 'block/put?format=v0&mhtype=sha2-256&mhlen=32', [{ name: 'data', content: '\n\x07\x08\x02\x12\x01x\x18\x01' }]),
    upload('block/put of an unknown codec', 'block/put?cid-codec=nosuch', [{ content: 'x' }]),
    upload('block/put of an unknown hash', 'block/put?mhtype=nosuch', [{ content: 'x' }]),
    upload('block/put too big', 'block/put?cid-codec=raw', [{ content: Buffer.alloc(2200000, 1) }]),
    post('block/put without a body', 'block/put'),
    post('block/get', `block/get?arg=${RAW}`),
    post('block/get of a path', `block/get?arg=/ipfs/${FOLDER}/one.txt`),
    post('block/stat', `block/stat?arg=${RAW}`),
    post('block/get of nothing', 'block/get'),
    post('block/get of no CID', 'block/get?arg=notacid'),
    post('block/get missing, with a timeout', `block/get?arg=${MISSING}&timeout=1s`),
    post('block/get missing, offline', `block/get?arg=${MISSING}&offline=true`),
    post('block/get missing, given up', `block/get?arg=${MISSING}`, { cut: 700 }),
    // reading
    post('cat', `cat?arg=${HELLO}`),
    post('cat of a part', `cat?arg=${HELLO}&offset=6&length=3`),
    post('cat behind the end', `cat?arg=${HELLO}&offset=100`),
    post('cat of a path', `cat?arg=/ipfs/${FOLDER}/sub/two.txt`),
    post('cat of a folder', `cat?arg=${FOLDER}`),
    post('cat of a missing link', `cat?arg=/ipfs/${FOLDER}/nolink`),
    post('cat of a negative offset', `cat?arg=${HELLO}&offset=-1`),
    post('resolve', `resolve?arg=/ipfs/${FOLDER}/one.txt`),
    post('resolve a bare CID', `resolve?arg=${FOLDER}`),
    post('resolve a missing link', `resolve?arg=/ipfs/${FOLDER}/nolink`),
    post('resolve a link in a file', `resolve?arg=/ipfs/${HELLO}/nolink`),
    post('cat of a link in a file', `cat?arg=/ipfs/${HELLO}/nolink`),
    post('cat of a link in a raw block', `cat?arg=/ipfs/${RAW}/nolink`),
    post('resolve what is no CID', 'resolve?arg=/ipfs/notacid'),
    post('resolve a name', `resolve?arg=/ipns/${STRANGER}&timeout=3s`),
    // pinning
    post('pin/ls of all recursive', 'pin/ls?stream=true&type=recursive'),
    post('pin/ls with names', 'pin/ls?stream=true&type=recursive&names=true'),
    post('pin/ls by name', 'pin/ls?stream=true&type=recursive&name=nam'),
    post('pin/ls as old peers ask', 'pin/ls?type=recursive'),
    post('pin/ls of all direct', 'pin/ls?stream=true&type=direct'),
    post('pin/ls of an unknown type', 'pin/ls?type=nosuch'),
    post('pin/add', `pin/add?arg=${FOLDER}&recursive=true&progress=true`),
    post('pin/add again', `pin/add?arg=${FOLDER}&recursive=true`),
    post('pin/add for shards', `pin/add?arg=${FOLDER}&recursive=true&progress=true&max-depth=1`),
    post('pin/add direct of recursive', `pin/add?arg=${FOLDER}&recursive=false`),
    post('pin/add direct', `pin/add?arg=${RAW}&recursive=false&progress=true`),
    post('pin/add of a path', `pin/add?arg=/ipfs/${FOLDER}/sub`),
    post('pin/add of a missing link', `pin/add?arg=/ipfs/${FOLDER}/nolink`),
    post('pin/add of a link in a file', `pin/add?arg=/ipfs/${HELLO}/nolink`),
    post('pin/add of a link in a raw block', `pin/add?arg=/ipfs/${RAW}/nolink`),
    post('pin/ls of a link in a file', `pin/ls?arg=/ipfs/${HELLO}/nolink`),
    post('pin/add with a name', `pin/add?arg=${HELLO}&name=first%20name`),
    post('pin/add with too long a name', `pin/add?arg=${HELLO}&name=${'n'.repeat(256)}`),
    post('pin/add of no CID', 'pin/add?arg=notacid&recursive=true&progress=true'),
    post('pin/add of an empty argument', 'pin/add?arg='),
    post('pin/add of another namespace', `pin/add?arg=/foo/${HELLO}`),
    post('pin/add of nothing', 'pin/add'),
    post('pin/add of two, one bad', `pin/add?arg=${HELLO}&arg=notacid`),
    post('pin/add missing, with a timeout', `pin/add?arg=${MISSING}&timeout=1s`),
    post('pin/add missing, with progress and a timeout', `pin/add?arg=${MISSING}&progress=true&timeout=1200ms`, { how: 'progress' }),
    post('pin/add missing, given up', `pin/add?arg=${MISSING}&progress=true`, { cut: 1700, how: 'progress' }),
    post('pin/add missing, offline', `pin/add?arg=${MISSING}&offline=true`),
    post('pin/add missing, offline, with progress', `pin/add?arg=${MISSING}&offline=true&progress=true`),
    post('pin/ls of one', `pin/ls?stream=true&arg=${FOLDER}&type=recursive`),
    post('pin/ls of one, as the tracker asks', `pin/ls?stream=true&arg=${FOLDER}&type=recursive&held=true`),
    post('pin/ls of one, as a document', `pin/ls?arg=${FOLDER}`),
    post('pin/ls of one direct', `pin/ls?stream=true&arg=${RAW}&type=direct`),
    post('pin/ls of one of another type', `pin/ls?stream=true&arg=${RAW}&type=recursive`),
    post('pin/ls of one indirect', `pin/ls?stream=true&arg=${ONE}`),
    post('pin/ls of one not pinned', `pin/ls?stream=true&arg=${MISSING}&type=recursive`),
    post('pin/ls of two, one not pinned', `pin/ls?stream=true&arg=${FOLDER}&arg=${MISSING}&type=recursive`),
    post('pin/ls of no CID', 'pin/ls?arg=notacid'),
    post('pin/ls as a path argument', `pin/ls/${MISSING}`),
    post('pin/ls of all types', 'pin/ls?stream=true&type=all', lines),
    post('pin/ls of all types, as a document', 'pin/ls'),
    post('pin/ls indirect', 'pin/ls?stream=true&type=indirect', lines),
    post('pin/update', `pin/update?arg=${HELLO}&arg=bafkreifyviwfkeo4wpjqajw6x44krtojowpgkf2ybwmgsft3uuwfcmwyum&unpin=false`),
    post('pin/update to what is not pinned', `pin/update?arg=${HELLO}&arg=${ONE}&unpin=false`),
    post('pin/ls after it', `pin/ls?names=true&stream=true&arg=${ONE}`),
    post('pin/update from what is not pinned', `pin/update?arg=${MISSING}&arg=${HELLO}&unpin=false`),
    post('pin/update to the same', `pin/update?arg=${ONE}&arg=${ONE}`),
    post('pin/update that unpins', `pin/update?arg=${ONE}&arg=QmapoNeQhJxjMDWstx27etyxMNLU4MtkDk8BMfyHRao8P8`),
    post('pin/update of one', `pin/update?arg=${HELLO}`),
    post('pin/update to what is missing', `pin/update?arg=${HELLO}&arg=${MISSING}&unpin=false&timeout=1s`),
    post('pin/rm', `pin/rm?arg=${HELLO}`),
    post('pin/rm again', `pin/rm?arg=${HELLO}`),
    post('pin/rm indirect', `pin/rm?arg=${ONE}`),
    post('pin/rm not recursive of recursive', `pin/rm?arg=${FOLDER}&recursive=false`),
    post('pin/rm direct', `pin/rm?arg=${RAW}`),
    post('pin/rm of no CID', 'pin/rm?arg=notacid'),
    post('pin/rm of nothing', 'pin/rm'),
    // the collector
    post('repo/gc', 'repo/gc?stream-errors=true', { how: 'among' }),
    post('repo/gc of nothing', 'repo/gc?stream-errors=true'),
    post('repo/gc, silent', 'repo/gc?silent=true'),
    post('what it dropped is gone', `block/get?arg=${RAW}&offline=true`),
    // the swarm
    post('swarm/connect refused', `swarm/connect?arg=/ip4/127.0.0.1/tcp/1/p2p/${STRANGER}`),
    post('swarm/connect without a peer id', 'swarm/connect?arg=/ip4/127.0.0.1/tcp/1'),
    post('swarm/connect to no address', 'swarm/connect?arg=notanaddress'),
    post('swarm/connect to nothing', 'swarm/connect'),
    post('swarm/connect to itself', 'swarm/connect?arg=SELF'),
    post('swarm/connect', 'swarm/connect?arg=OTHER'),
    post('swarm/connect again', 'swarm/connect?arg=OTHER'),
    post('swarm/peers', 'swarm/peers', { how: 'shape' }),
    // content of the other one
    upload('add at the other', 'add?pin=false', [{ name: 'far', content: 'far away\n' }], { at: 'b' }),
    post('pin/add of what the other has', 'pin/add?arg=QmWaHRyPjDvFeDzE8zKfJpRLXm7FAFvPDBMqhyzKhNWRa9&progress=true',
        { like: 'far' }),
    { name: 'pin/add that waits for the other', run: waits, how: 'progress' },
    { name: 'pin/add while a collector waits', run: blocked, how: 'progress' },
];

// A pin/add under way while the other daemon gets its content.
async function waits(world) {
    const path = api(`pin/add?arg=${cids.late}&progress=true`);
    const pinning = ask(world.a, { path });
    await sleep(1200);
    await ask(world.b, { path: api('add?pin=false'), ...multipart([{ name: 'late', content: 'late content\n' }]) });
    return pinning;
}

// The root of a tree is here, its leaves nowhere: pinning it keeps the collector waiting, and that all others.
async function blocked(world) {
    const tree = await ask(world.b, { path: api('add?pin=false&cid-version=1&wrap-with-directory=true'),
        ...multipart([{ name: 'leaf', content: 'a leaf that only one has\n' }]) });
    const root = objects(tree.body).pop().Hash, leaf = objects(tree.body)[0].Hash;
    const block = await ask(world.b, { path: api(`block/get?arg=${root}`) });
    await ask(world.a, { path: api('swarm/disconnect?arg=' + world.other) });
    await sleep(300);
    await ask(world.a, { path: api('block/put?cid-codec=dag-pb'), ...multipart([{ content: Buffer.from(block.body, 'latin1') }]) });
    const stalled = ask(world.a, { path: api(`pin/add?arg=${root}`), cut: 2500 });
    await sleep(300);
    const collecting = ask(world.a, { path: api('repo/gc'), cut: 6000 });
    await sleep(300);
    const pinned = ask(world.a, { path: api(`pin/add?arg=${cids.late}&progress=true`), cut: 6000 });
    const removing = ask(world.a, { path: api(`pin/rm?arg=${cids.late}`), cut: 1000 });
    const listed = await ask(world.a, { path: api(`pin/ls?stream=true&arg=${cids.late}&type=recursive`), cut: 1000 });
    await stalled;
    const all = [await pinned, await removing, listed, await collecting];
    const answer = all[0];
    answer.body += `\nrm ${all[1].status}, ls ${all[2].status}, gc ${all[3].status}, leaf ${leaf}`;
    return answer;
}

const cids = {};

// ---- running ----

const worlds = {
    real: { a: realA, b: realB, names: [] },
    standin: { a: standinA, b: standinB, names: [] },
};

async function learn(world) {
    const a = objects((await ask(world.a, { path: api('id') })).body)[0];
    const b = objects((await ask(world.b, { path: api('id') })).body)[0];
    world.self = a.Addresses[0];
    world.other = b.Addresses[0];
    world.names = [[a.ID, 'PEER-A'], [b.ID, 'PEER-B'], [world.self.split('/p2p/')[0], 'ADDRESS-A'],
        [world.other.split('/p2p/')[0], 'ADDRESS-B']];
}

// A new Kubo has the empty folder pinned.
async function emptyOfPins(world) {
    await ask(world.a, { path: api('pin/rm?arg=QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn') });
}

async function hashOf(world, content) {
    const answer = await ask(world.a, { path: api('add?only-hash=true'), ...multipart([{ name: 'x', content }]) });
    return objects(answer.body).pop().Hash;
}

async function perform(step, world) {
    if (step.run) return step.run(world);
    const path = step.path.replace('SELF', world.self).replace('OTHER', world.other)
        .replace(/arg=QmWa[A-Za-z0-9]*/, () => `arg=${cids.far}`);
    return ask(step.at === 'b' ? world.b : world.a, { ...step, path });
}

(async () => {
    let passed = 0, failed = 0;
    await learn(worlds.real);
    await learn(worlds.standin);
    await emptyOfPins(worlds.real);
    for (const [name, content] of [['far', 'far away\n'], ['late', 'late content\n']])
        cids[name] = await hashOf(worlds.real, content);
    for (const step of steps) {
        const [real, own] = await Promise.all([perform(step, worlds.real), perform(step, worlds.standin)]);
        let wrong;
        try {
            wrong = differences(step, real, own);
        } catch (e) {
            wrong = [`${e.message}\n      Kubo     ${real.body.slice(0, 300)}\n      stand-in ${own.body.slice(0, 300)}`];
        }
        if (wrong.length === 0) {
            passed += 1;
        } else {
            failed += 1;
            console.log(`FAIL ${step.name}  ${step.path || ''}`);
            for (const line of wrong) console.log(`    ${line}`);
        }
    }
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
})();
