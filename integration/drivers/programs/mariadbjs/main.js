// What the mariadb connector for Node is known for: batches, pipelining, pools, streams, bigint by default,
// prepared execute(), named placeholders, and errors that carry the statement.
'use strict'
const mariadb = require('mariadb')
const { createHash } = require('crypto')
const [host, port, user, password, database] = process.argv.slice(2)
const options = { host, port: Number(port), user, password, database, timezone: 'Z', allowPublicKeyRetrieval: true }

const show = v => JSON.stringify(v, (k, x) => typeof x === 'bigint' ? `${x}n` : x && x.type === 'Buffer' ? 'hex ' + Buffer.from(x.data).toString('hex').slice(0, 60) : x)
const say = (step, ...what) => console.log(step + ': ' + what.map(w => typeof w === 'string' ? w : show(w)).join(' '))
const shape = meta => meta.map(m => [m.name(), m.orgName(), m.table(), m.orgTable(), m.schema(), m.type, m.columnType, m.columnLength, m.flags, m.scale])
// One result of a batch, or one of each row: that depends on whether the server takes batches in bulk.
const rows = r => [].concat(r).reduce((n, x) => n + x.affectedRows, 0)
const hash = b => b == null ? null : createHash('sha256').update(b).digest('hex').slice(0, 16)

async function fails (step, f) {
  try {
    say(step, 'no error', await f())
  } catch (e) {
    say(step, e.code, e.errno, e.sqlState, e.fatal, e.sqlMessage)
  }
}

async function types (db) {
  say('create', await db.query(`CREATE TABLE kinds (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED, de DECIMAL(30,10), dou DOUBLE, fl FLOAT, str VARCHAR(100), txt TEXT,
    bin VARBINARY(100), blo LONGBLOB, dat DATE, tim DATETIME(6), ts TIMESTAMP(3) NULL, ti TIME(2), ye YEAR, bi BIT(8), b1 BIT(1), en ENUM('x','y'), se SET('a','b'), geo GEOMETRY)`))
  const when = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789))
  const rows = [
    [1, -9223372036854775808n, 18446744073709551615n, '12345678901234567890.0123456789', 0.1, 0.5, "it's \\ \"quoted\" 😀", 'ü'.repeat(300), Buffer.from([0, 39, 92, 255]), Buffer.alloc(100000, 7), '2024-02-29', when, when, '-12:34:56.78', 2024, Buffer.from([0xa5]), true, 'y', 'a,b', { type: 'Point', coordinates: [1, 2] }],
    [2, ...Array(19).fill(null)],
    [3, 0n, 0n, 0, 0, 0, '', '', Buffer.alloc(0), Buffer.alloc(0), '1000-01-01', '1000-01-01 00:00:00', null, '00:00:00', 1901, Buffer.from([0]), false, 'x', '', null]
  ]
  const marks = rows[0].map(() => '?').join(', ')
  say('query', await db.query(`INSERT INTO kinds VALUES (${marks})`, rows[0]))
  for (const r of rows.slice(1)) say('execute', await db.execute(`INSERT INTO kinds VALUES (${marks})`, r))
  for (const how of ['query', 'execute']) {
    const all = await db[how]('SELECT * FROM kinds ORDER BY id')
    for (const m of shape(all.meta)) say(how + ' column', m)
    for (const r of all) say(how + ' row', { ...r, blo: hash(r.blo), txt: hash(r.txt) })
    const one = await db[how]('SELECT * FROM kinds WHERE id = ?', [1])
    say(how + ' one shard', show(shape(one.meta)) === show(shape(all.meta)), show(one[0]) === show(all[0]))
  }
  say('bigint as number', await db.query({ sql: 'SELECT id, big FROM kinds WHERE id = 3', bigIntAsNumber: true, decimalAsNumber: true }))
  say('rows as arrays', await db.query({ rowsAsArray: true, sql: 'SELECT id, de FROM kinds ORDER BY id DESC' }))
  say('nest tables', await db.query({ nestTables: '_', sql: 'SELECT a.id, b.en FROM kinds a JOIN kinds b ON a.id = b.id WHERE a.id = 1' }))
  say('date strings', await db.query({ dateStrings: true, sql: 'SELECT dat, tim, ts FROM kinds WHERE id = ?' }, [1]))
  say('named', await db.query({ namedPlaceholders: true, sql: 'SELECT id, :word AS w FROM kinds WHERE id IN (:a, :b) ORDER BY id' }, { a: 1, b: 3, word: "w'" }))
}

async function batches (db) {
  await db.query('CREATE TABLE ids (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v VARCHAR(8) NOT NULL, n INT NULL)')
  say('batch', rows(await db.batch('INSERT INTO ids (id, v, n) VALUES (?, ?, ?)', [[1, 'a', 1], [2, 'b', null], [3, 'c', 3], [4, 'd', 4]])))
  say('update batch', rows(await db.batch('UPDATE ids SET n = ? WHERE id = ?', [[10, 1], [20, 2], [20, 99]])))
  say('all', await db.query('SELECT * FROM ids ORDER BY id'))
  say('batch of many', rows(await db.batch('INSERT INTO ids (id, v) VALUES (?, ?)', Array.from({ length: 3000 }, (_, i) => [1000 + i, 'm']))))
  await fails('duplicate in a batch', () => db.batch('INSERT INTO ids (id, v) VALUES (?, ?)', [[2, 'x']]))
  say('delete', await db.execute('DELETE FROM ids WHERE v = ?', ['m']))
  say('generated', await db.query("INSERT INTO ids (v) VALUES ('g'), ('h')"))
  say('upsert', await db.execute('INSERT INTO ids (id, v) VALUES (?, ?) ON DUPLICATE KEY UPDATE v = ?', [1, 'x', 'y']))
  const prepared = await db.prepare('SELECT id, v FROM ids WHERE id < ? ORDER BY id')
  for (const n of [2, 3, 'x', null, 4.5]) say('prepared', await prepared.execute([n]))
  prepared.close()
}

async function pipelines (db) {
  const all = await Promise.allSettled([db.query('SELECT 1 AS a'), db.query('SELECT nothing'), db.query('INSERT INTO ids (id, v) VALUES (50, \'p\')'), db.query('SELECT v FROM ids WHERE id = 50'), db.query('DELETE FROM ids WHERE id = 50')])
  say('pipelined', all.map(r => r.value || [r.reason.errno, r.reason.sqlState]))
  let n = 0
  await new Promise((resolve, reject) => db.queryStream('SELECT a.id FROM ids a ORDER BY id').on('error', reject).on('data', r => { n += r.id > 0 ? 1 : 0 }).on('end', resolve))
  say('stream', n > 4)
}

async function errors (db) {
  await fails('duplicate', () => db.execute('INSERT INTO ids (id, v) VALUES (?, ?)', [1, 'x']))
  await fails('too long', () => db.query('INSERT INTO ids (v) VALUES (?)', ['123456789']))
  await fails('no table', () => db.query('SELECT * FROM nothing'))
  await fails('no column', () => db.execute('SELECT nothing FROM ids WHERE id = ?', [1]))
  await fails('missing parameter', () => db.query('SELECT ?, ?', [1]))
  await fails('wrong password', () => mariadb.createConnection({ ...options, password: 'wrong' }))
  await fails('two statements', () => db.query('SELECT 1; SELECT 2').catch(e => { e.sqlMessage = ''; throw e }))
}

async function transactions (db) {
  await db.beginTransaction()
  await db.query('UPDATE ids SET n = 100')
  await db.query('SAVEPOINT s')
  await db.query('DELETE FROM ids')
  await db.query('ROLLBACK TO s')
  await db.commit()
  say('committed', await db.query('SELECT COUNT(*) AS c, AVG(n) AS a FROM ids'))
  await db.beginTransaction()
  await db.query('UPDATE ids SET n = 0')
  await db.rollback()
  say('rolled back', await db.query('SELECT DISTINCT n FROM ids'))
  await db.query('SET autocommit = 0')
  await db.query('UPDATE ids SET n = 7 WHERE id = 1')
  await db.reset()
  say('reset rolls back', await db.query('SELECT n, @@autocommit AS a FROM ids WHERE id = 1'))
}

async function several () {
  const db = await mariadb.createConnection({ ...options, multipleStatements: true, foundRows: false })
  say('several', await db.query("SELECT 1 AS a; UPDATE ids SET n = 5 WHERE id = 1; SELECT id FROM ids ORDER BY id LIMIT 2; DO 0"))
  await fails('second fails', () => db.query('SELECT 1; SELECT nothing; SELECT 3'))
  await db.query("CREATE PROCEDURE p(a INT) BEGIN SELECT a AS a; SELECT a * 2 AS b, 't' AS t; END")
  say('call', await db.query('CALL p(?)', [4]))
  say('prepared call', await db.execute('CALL p(?)', [5]))
  await db.query('DROP PROCEDURE p')
  say('same update', await db.query('UPDATE ids SET n = n'))
  await db.end()
  const found = await mariadb.createConnection(options)
  say('found rows', (await found.query('UPDATE ids SET n = n')).affectedRows > 4)
  await found.end()
}

async function pools () {
  const pool = mariadb.createPool({ ...options, connectionLimit: 4, resetAfterUse: true, initSql: ["SET @greeting = 'hello'"], charset: 'utf8mb4', collation: 'UTF8MB4_UNICODE_CI' })
  say('pool', await Promise.all(Array.from({ length: 30 }, (_, i) => pool.query({ sql: 'SELECT ? + 1 AS n', rowsAsArray: true }, [i]))))
  say('collation', await pool.query("SELECT @@collation_connection AS c, 'ß' = 'ss' AS s"))
  say('pool batch', rows(await pool.batch('INSERT INTO ids (id, v) VALUES (?, ?)', [[601, 'a'], [602, 'b']])))
  const c = await pool.getConnection()
  if (c.info.isMariaDB()) await c.changeUser({ user, password, database }) // the driver refuses it for MySQL
  else await c.reset()
  await c.ping()
  say('change user', await c.query('SELECT DATABASE() AS d, @greeting AS g'))
  say('valid', c.isValid())
  await c.release()
  await pool.end()
}

async function main () {
  say('driver', 'mariadb', require('mariadb/package.json').version)
  const db = await mariadb.createConnection(options)
  say('server', db.serverVersion(), db.info.isMariaDB())
  await types(db)
  await batches(db)
  await pipelines(db)
  await errors(db)
  await transactions(db)
  await several()
  await pools()
  for (const q of ['SHOW TABLES', 'SHOW COLUMNS FROM ids', "SELECT table_name AS t, engine AS e FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"]) {
    const rows = await db.query(q)
    say(q, shape(rows.meta), rows)
  }
  say('escape', db.escape("it's \\"), db.escapeId('a`b'))
  await db.end()
}

main().then(() => console.log('end'), e => { console.error(e); process.exitCode = 1 })
