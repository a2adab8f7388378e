// What mysql2 is known for: promises, pools, execute() with statements that the server prepares and the driver
// keeps, rows as streams and as arrays, named placeholders, big numbers, several results, change user and reset.
'use strict'
const mysql = require('mysql2/promise')
const plain = require('mysql2')
const { createHash } = require('crypto')
const [host, port, user, password, database] = process.argv.slice(2)
const options = { host, port: Number(port), user, password, database, timezone: 'Z' }

const show = v => JSON.stringify(v, (k, x) => typeof x === 'bigint' ? `${x}n` : x && x.type === 'Buffer' ? 'hex ' + Buffer.from(x.data).toString('hex').slice(0, 60) : x)
const say = (step, ...what) => console.log(step + ': ' + what.map(w => typeof w === 'string' ? w : show(w)).join(' '))
const shape = fields => fields.map(f => [f.name, f.orgName, f.table, f.orgTable, f.schema, f.columnType, f.columnLength, f.flags, f.decimals])
const header = h => [h.affectedRows, h.changedRows, h.insertId, h.warningStatus]
const hash = b => createHash('sha256').update(b).digest('hex').slice(0, 16)

async function fails (step, f) {
  try {
    const [r] = await f()
    say(step, 'no error', r)
  } catch (e) {
    say(step, e.code, e.errno, e.sqlState, e.sqlMessage || e.message)
  }
}

async function types (db) {
  const [created] = await db.query(`CREATE TABLE kinds (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED, de DECIMAL(30,10), dou DOUBLE, fl FLOAT, str VARCHAR(100), txt TEXT,
    bin VARBINARY(100), blo LONGBLOB, dat DATE, tim DATETIME(6), ts TIMESTAMP(3) NULL, ti TIME(2), ye YEAR, bi BIT(8), js JSON, en ENUM('x','y','ü'), se SET('a','b'), geo POINT)`)
  say('create', header(created))
  const when = new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789))
  const rows = [
    [1, '-9223372036854775808', '18446744073709551615', '12345678901234567890.0123456789', 0.1, 0.5, "it's \\ \"quoted\" 😀", 'ü'.repeat(300), Buffer.from([0, 39, 92, 255]), Buffer.alloc(100000, 7), '2024-02-29', when, when, '-12:34:56.78', 2024, Buffer.from([0xa5]), JSON.stringify({ a: [1, null, 'ü'] }), 'ü', 'a,b'],
    [2, ...Array(18).fill(null)],
    [3, 0, 0, 0, 0, 0, '', '', Buffer.alloc(0), Buffer.alloc(0), '1000-01-01', '1000-01-01 00:00:00', null, '00:00:00', 1901, Buffer.from([0]), '[]', 'x', '']
  ]
  const marks = Array(19).fill('?').join(', ')
  for (const r of rows) say('execute', header((await db.execute(`INSERT INTO kinds VALUES (${marks}, POINT(1, -2.5))`, r))[0]))
  const [many] = await db.query('INSERT INTO kinds (id, big, str) VALUES ?', [[[4, 4, 'four'], [5, 5, 'five'], [6, 6, null]]])
  say('query of many', header(many))
  say('info', many.info)
  for (const how of ['query', 'execute']) {
    const [all, fields] = await db[how]('SELECT * FROM kinds ORDER BY id')
    for (const f of shape(fields)) say(how + ' column', f)
    say(how + ' charset numbers', [...new Set(fields.map(f => f.characterSet))])
    for (const r of all) say(how + ' row', { ...r, blo: r.blo && hash(r.blo), txt: r.txt && hash(r.txt) })
    const [one, f1] = await db[how]('SELECT * FROM kinds WHERE id = ?', [1])
    say(how + ' one shard', show(shape(f1)) === show(shape(fields)), hash(one[0].blo), one[0].tim, one[0].js)
  }
  say('big numbers', (await db.query({ sql: 'SELECT big, ubig FROM kinds WHERE id = 1', supportBigNumbers: true, bigNumberStrings: true }))[0])
  say('date strings', (await db.execute({ sql: 'SELECT dat, tim, ts FROM kinds WHERE id = 1', dateStrings: true }))[0])
  say('rows as arrays', (await db.execute({ sql: 'SELECT id, str FROM kinds WHERE id > ? ORDER BY id DESC', rowsAsArray: true }, [2]))[0])
  say('nest tables', (await db.query({ sql: 'SELECT a.id, b.str FROM kinds a JOIN kinds b ON a.id = b.id WHERE a.id = 4', nestTables: true }))[0])
  say('type cast', (await db.query({ sql: 'SELECT bi, fl FROM kinds WHERE id = 1', typeCast: (f, next) => f.type === 'BIT' ? f.buffer()[0] : next() }))[0])
  say('calculated', (await db.execute('SELECT COUNT(*) AS c, SUM(big) AS s, AVG(dou) AS a, MAX(tim) AS m, GROUP_CONCAT(en) AS g FROM kinds WHERE id = 1'))[0])
  say('gathered', (await db.execute('SELECT COUNT(*) AS c, SUM(dou) AS s, AVG(big) AS a, MAX(tim) AS m FROM kinds WHERE id > ?', [1]))[0])
}

async function prepared (db) {
  const st = await db.prepare('SELECT ? AS a, id FROM kinds WHERE id IN (?, ?) ORDER BY id')
  // Of one type: MySQL makes an untyped parameter that of its first value, and how it turns others into it
  // depends on the ones before.
  for (const args of [['text', 1, 2], ["it's ü", 3, 4], [null, 5, 99], ['', 2, 1]]) say('prepared', (await st.execute(args))[0])
  await st.close()
  for (let i = 0; i < 3; i++) say('kept statement', (await db.execute('SELECT str FROM kinds WHERE id = ?', [4 + i]))[0])
  db.unprepare('SELECT str FROM kinds WHERE id = ?')
  const named = await mysql.createConnection({ ...options, namedPlaceholders: true })
  say('named', (await named.execute('SELECT id, :word AS w FROM kinds WHERE id = :id OR id = :other ORDER BY id', { id: 1, other: 3, word: 'w' }))[0])
  await named.end()
  await fails('prepare fails', () => db.execute('SELECT nothing FROM kinds WHERE id = ?', [1]))
  await fails('too few', () => db.execute('SELECT ?, ?', [1]))
  await fails('undefined', () => db.execute('SELECT ?', [undefined]))
}

async function changes (db) {
  await db.query('CREATE TABLE ids (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v VARCHAR(8) NOT NULL, n INT NOT NULL DEFAULT 0)')
  const run = async (sql, args) => say(sql.slice(0, 60), header((await db.execute(sql, args))[0]))
  await run('INSERT INTO ids (v) VALUES (?)', ['a'])
  await run('INSERT INTO ids (v) VALUES (?)', ['b'])
  await run('INSERT INTO ids (v) VALUES (?), (?), (?)', ['c', 'd', 'e'])
  await run('UPDATE ids SET n = n + 1 WHERE id <= ?', [3])
  await run('UPDATE ids SET n = 1')
  await run('INSERT INTO ids (id, v) VALUES (?, ?) ON DUPLICATE KEY UPDATE v = ?', [1, 'x', 'y'])
  await run('REPLACE INTO ids (id, v) VALUES (?, ?)', [2, 'z'])
  await run('INSERT IGNORE INTO ids (id, v) VALUES (?, ?), (?, ?)', [1, 'x', 70, 'y'])
  await run('DELETE FROM ids WHERE id IN (?, ?)', [4, 5])
  say('rows', (await db.query('SELECT * FROM ids ORDER BY id'))[0])
  await fails('duplicate', () => db.execute('INSERT INTO ids (id, v) VALUES (?, ?)', [1, 'x']))
  await fails('too long', () => db.execute('INSERT INTO ids (v) VALUES (?)', ['123456789']))
  await fails('too long, second row', () => db.query('INSERT INTO ids (id, v) VALUES (201, \'ok\'), (202, \'123456789\'), (203, \'ok\')'))
  await fails('null', () => db.query('INSERT INTO ids (v) VALUES (NULL)'))
  await fails('no table', () => db.query('SELECT * FROM nothing'))
  await fails('bad json', () => db.query("INSERT INTO kinds (id, js) VALUES (100, '{')"))
}

async function transactions () {
  const db = await mysql.createConnection(options)
  await db.beginTransaction()
  await db.execute('UPDATE ids SET n = 100')
  await db.query('SAVEPOINT a')
  await db.execute('INSERT INTO ids (id, v) VALUES (?, ?), (?, ?)', [300, 'p', 301, 'q'])
  await db.query('ROLLBACK TO SAVEPOINT a')
  await db.commit()
  say('committed', (await db.query('SELECT id, n FROM ids ORDER BY id'))[0])
  await db.beginTransaction()
  await db.execute('DELETE FROM ids')
  await db.rollback()
  say('rolled back', (await db.query('SELECT COUNT(*) AS c FROM ids'))[0])
  for (const level of ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']) {
    await db.query('SET TRANSACTION ISOLATION LEVEL ' + level)
    await db.beginTransaction()
    say(level, (await db.query('SELECT SUM(n) AS s FROM ids'))[0])
    await db.commit()
  }
  const other = await mysql.createConnection(options)
  await other.query('SET innodb_lock_wait_timeout = 1')
  await db.beginTransaction()
  await db.query('UPDATE ids SET n = 1 WHERE id = 1')
  await fails('lock wait', () => other.query('UPDATE ids SET n = 2 WHERE id = 1'))
  await db.rollback()
  // A deadlock on one row each: one of the two is told so.
  await Promise.all([db.beginTransaction(), other.beginTransaction()])
  await db.query('UPDATE ids SET n = 1 WHERE id = 1')
  await other.query('SET innodb_lock_wait_timeout = 20')
  await other.query('UPDATE ids SET n = 2 WHERE id = 2')
  const both = await Promise.allSettled([db.query('UPDATE ids SET n = 1 WHERE id = 2'), other.query('UPDATE ids SET n = 2 WHERE id = 1')])
  const lost = both.filter(r => r.status === 'rejected').map(r => [r.reason.code, r.reason.errno, r.reason.sqlState, r.reason.sqlMessage])
  say('deadlock', lost)
  await Promise.all([db.rollback(), other.rollback()])
  await other.end()
  await db.end()
}

async function streams () {
  const db = plain.createConnection(options)
  let n = 0
  let sum = 0
  await db.promise().query('INSERT INTO ids (v, n) VALUES ' + Array(2000).fill("('s', 7)").join(','))
  for await (const row of db.query('SELECT id, n FROM ids WHERE v = \'s\' ORDER BY id').stream({ highWaterMark: 5 })) {
    n++
    sum += row.n
  }
  say('stream', n, sum)
  n = 0
  for await (const row of db.execute('SELECT id FROM ids WHERE v = ? ORDER BY id', ['s']).stream()) n += row.id > 0 ? 1 : 0
  say('prepared stream', n)
  const events = []
  await new Promise(resolve => db.query('SELECT 1 AS a; SELECT nothing').on('error', e => events.push(e.errno)).on('fields', f => events.push(f && f.length)).on('result', r => events.push(r)).on('end', resolve))
  say('events', events.length > 0, events[events.length - 1])
  await db.promise().query("DELETE FROM ids WHERE v = 's'")
  await db.promise().end()
}

async function several () {
  const db = await mysql.createConnection({ ...options, multipleStatements: true, flags: ['-FOUND_ROWS'] })
  const [r] = await db.query("SELECT 1 AS a; UPDATE ids SET n = 5 WHERE id = 1; SELECT id FROM ids ORDER BY id LIMIT 2; SET @x = 'y'; SELECT @x AS x")
  say('several', r.map(x => Array.isArray(x) ? x : header(x)))
  await fails('third fails', () => db.query('SELECT 1; SELECT 2; SELECT nothing; SELECT 4'))
  await db.query('CREATE PROCEDURE p(a INT) BEGIN SELECT a AS a; SELECT a * 2 AS b, \'t\' AS t; SET @last = a; END')
  const [c] = await db.query('CALL p(4)')
  say('call', c.map(x => Array.isArray(x) ? x : [x.affectedRows]))
  const [pc] = await db.execute('CALL p(?)', [6])
  say('prepared call', pc.map(x => Array.isArray(x) ? x : [x.affectedRows]))
  await db.query('DROP PROCEDURE p')
  await db.end()
}

async function pools () {
  const pool = mysql.createPool({ ...options, connectionLimit: 4, maxIdle: 2, idleTimeout: 1000, enableKeepAlive: true })
  const sums = await Promise.all(Array.from({ length: 40 }, (_, i) => i % 2 ? pool.query('SELECT ? + 1 AS n', [i]) : pool.execute('SELECT id + ? AS n FROM kinds WHERE id = ?', [i, 1 + i % 6])))
  say('pool', sums.map(([r]) => r[0].n))
  const c = await pool.getConnection()
  await c.query("SET @mine = 'yes'")
  await c.reset()
  say('reset', (await c.query('SELECT @mine AS m'))[0])
  await c.changeUser({ user, password, database })
  say('change user', (await c.query('SELECT DATABASE() AS d, USER() LIKE ? AS u', ['app@%']))[0])
  await c.ping()
  c.release()
  await pool.end()
  const lost = await mysql.createConnection(options)
  await fails('change user, no database', () => lost.changeUser({ database: 'nowhere' }))
  lost.destroy()
  await fails('wrong password', () => mysql.createConnection({ ...options, password: 'wrong' }))
  await fails('wrong database', () => mysql.createConnection({ ...options, database: 'nowhere' }))
  const found = await mysql.createConnection({ ...options, flags: ['FOUND_ROWS'] })
  say('found rows', header((await found.query('UPDATE ids SET n = n'))[0]))
  await found.end()
  const latin = await mysql.createConnection({ ...options, charset: 'LATIN1_SWEDISH_CI' })
  say('latin1', (await latin.query("SELECT 'é' AS s, LENGTH('é') AS l, txt = REPEAT('ü', 300) AS same FROM kinds WHERE id = 1"))[0])
  await latin.end()
  const unusual = await mysql.createConnection({ ...options, charset: 'UTF8MB4_UNICODE_CI' })
  say('unicode_ci', (await unusual.query("SELECT @@collation_connection AS c, 'ß' = 'ss' AS s"))[0])
  await unusual.end()
}

async function main () {
  say('driver', 'mysql2', require('mysql2/package.json').version)
  const db = await mysql.createConnection(options)
  say('server', (await db.query('SELECT VERSION() AS v'))[0])
  await types(db)
  await prepared(db)
  await changes(db)
  await transactions()
  await streams()
  await several()
  await pools()
  for (const q of ['SHOW TABLES', 'SHOW COLUMNS FROM ids', 'SHOW STATUS LIKE \'nothing\'', 'EXPLAIN SELECT 1', 'DESCRIBE kinds js']) {
    const [rows, fields] = await db.query(q)
    say(q, shape(fields), rows)
  }
  say('warnings', header((await db.query('DROP TABLE IF EXISTS nothing'))[0]), (await db.query('SHOW WARNINGS'))[0])
  await db.end()
  await fails('closed', () => db.query('SELECT 1'))
}

main().then(() => console.log('end'), e => { console.error(e); process.exitCode = 1 })
