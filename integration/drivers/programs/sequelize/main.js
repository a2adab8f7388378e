// What Sequelize is known for: models with associations and eager loading, sync and alter, migrations through
// the query interface, transactions that are managed, hooks, scopes, bulk changes and typed errors.
'use strict'
const { Sequelize, DataTypes, Op, Transaction, col, fn, literal } = require('sequelize')
const [host, port, user, password, database] = process.argv.slice(2)

const say = (step, ...what) => console.log(step + ': ' + what.map(w => typeof w === 'string' ? w : JSON.stringify(w)).join(' '))
const db = new Sequelize(database, user, password, { host, port: Number(port), dialect: 'mysql', dialectModule: require('mysql2'), logging: false, pool: { max: 4, min: 0 }, define: { underscored: true, freezeTableName: true } })

const Customer = db.define('customer', { name: { type: DataTypes.STRING(40), allowNull: false }, email: DataTypes.STRING, balance: { type: DataTypes.DECIMAL(12, 2), defaultValue: 0 }, born: DataTypes.DATEONLY, vip: DataTypes.BOOLEAN, photo: DataTypes.BLOB, note: DataTypes.TEXT })
const Order = db.define('orders', { total: DataTypes.DECIMAL(10, 2), state: DataTypes.ENUM('new', 'paid', 'sent'), placed: DataTypes.DATE(3) })
const Country = db.define('country', { code: { type: DataTypes.STRING(2), primaryKey: true }, name: DataTypes.STRING(40) }, { timestamps: false })
const Setting = db.define('setting', { name: { type: DataTypes.STRING(20), primaryKey: true }, value: DataTypes.STRING(50), version: { type: DataTypes.INTEGER, defaultValue: 1 } }, { timestamps: false })
const Plain = db.define('plain', { id: { type: DataTypes.BIGINT, primaryKey: true }, uid: { type: DataTypes.UUID, defaultValue: '00000000-0000-4000-8000-000000000000' }, f: DataTypes.DOUBLE, big: DataTypes.BIGINT.UNSIGNED, t: DataTypes.TIME }, { timestamps: false, paranoid: false })
Customer.hasMany(Order, { foreignKey: 'customer_id', as: 'orders', constraints: false })
Order.belongsTo(Customer, { foreignKey: 'customer_id', as: 'customer', constraints: false })
Customer.belongsTo(Country, { foreignKey: 'country_code', as: 'country', constraints: false })

// Without the columns that hold the time of the run.
const clean = x => JSON.parse(JSON.stringify(x, (k, v) => k === 'createdAt' || k === 'updatedAt' ? undefined : v))

async function fails (step, f) {
  try {
    say(step, 'no error', await f())
  } catch (e) {
    say(step, e.name, (e.errors || []).map(x => [x.message, x.path]), e.parent && [e.parent.code, e.parent.errno, e.parent.sqlState, e.parent.sqlMessage])
  }
}

async function schema () {
  await db.authenticate()
  await db.sync({ force: true })
  await db.sync({ alter: true })
  const qi = db.getQueryInterface()
  say('tables', (await qi.showAllTables()).map(t => t.tableName || t).sort())
  for (const t of ['customer', 'orders', 'country', 'setting', 'plain']) say('describe ' + t, await qi.describeTable(t))
  await qi.addColumn('customer', 'phone', { type: DataTypes.STRING(20) })
  await qi.changeColumn('customer', 'phone', { type: DataTypes.STRING(30), defaultValue: '-' })
  await qi.renameColumn('customer', 'phone', 'telephone')
  await qi.addIndex('orders', ['state', 'total'], { name: 'by_state' })
  say('indexes', (await qi.showIndex('orders')).map(i => [i.name, i.unique, i.primary, i.fields.map(f => f.attribute)]))
  await qi.removeIndex('orders', 'by_state')
  await qi.removeColumn('customer', 'telephone')
  say('foreign keys', await qi.getForeignKeyReferencesForTable('orders'))
  say('version', (await db.databaseVersion()).length > 3)
}

async function records () {
  await Country.bulkCreate([{ code: 'DE', name: 'Germany' }, { code: 'FR', name: 'France' }, { code: 'JP', name: '日本' }])
  const anna = await Customer.create({ name: 'Anna', email: 'a@x', balance: '10.50', born: '1990-02-28', vip: true, photo: Buffer.from([0, 39, 255]), country_code: 'DE', note: "it's 😀" })
  say('create', anna.id, anna.isNewRecord)
  const many = await Customer.bulkCreate(['Ben', 'Cleo', 'Dan', 'Eve'].map((name, i) => ({ name, balance: i * 100, vip: i % 2 === 1, country_code: ['FR', 'JP', 'DE', null][i] })))
  say('bulkCreate', many.length)
  for (const c of await Customer.findAll({ order: ['id'] })) {
    for (let i = 0; i < c.id % 3; i++) await c.createOrder({ total: (c.id * 10 + i).toFixed(2), state: ['new', 'paid', 'sent'][i % 3], placed: new Date(Date.UTC(2024, 0, c.id, 1, 2, 3, 456)) })
  }
  say('found', clean(await Customer.findAll({ order: [['name', 'DESC']] })))
  say('find one', clean(await Customer.findOne({ where: { name: 'Ben' }, attributes: ['id', 'balance', 'vip'] })))
  say('find by key', clean(await Customer.findByPk(anna.id, { raw: true, attributes: { exclude: ['photo'] } })))
  say('eager', clean(await Customer.findAll({ include: [{ model: Order, as: 'orders', separate: false }, { model: Country, as: 'country' }], order: ['id', [{ model: Order, as: 'orders' }, 'id', 'ASC']] })))
  say('required', clean(await Order.findAll({ include: { model: Customer, as: 'customer', where: { vip: true }, attributes: ['name'] }, order: ['id'], attributes: ['id', 'total', 'placed'] })))
  say('separate', clean(await Customer.findAll({ attributes: ['id'], include: { model: Order, as: 'orders', separate: true, attributes: ['total', 'customer_id'], order: ['id'] }, order: ['id'] })))
  say('findAndCountAll', clean(await Customer.findAndCountAll({ where: { balance: { [Op.gte]: 10 } }, limit: 2, offset: 1, order: ['id'], attributes: ['name'] })))
  say('operators', clean(await Customer.findAll({ attributes: ['name'], order: ['name'], where: { [Op.or]: [{ name: { [Op.like]: 'B%' } }, { id: { [Op.between]: [4, 5] } }, { country_code: { [Op.is]: null } }], name: { [Op.notIn]: ['Eve'] } } })))
  say('aggregates', await Order.count(), await Order.sum('total'), await Order.max('total'), await Customer.min('balance'))
  say('group', await Order.findAll({ attributes: ['state', [fn('COUNT', col('id')), 'n'], [fn('SUM', col('total')), 'sum']], group: 'state', order: ['state'], raw: true }))
  say('update', await Customer.update({ vip: false }, { where: { vip: true } }))
  say('save', clean(await (await Customer.findByPk(anna.id)).update({ note: null, balance: literal('balance + 1') })))
  say('increment', clean(await Customer.increment({ balance: 5 }, { where: { id: [1, 2, 3] } })))
  say('balances', (await Customer.findAll({ order: ['id'], attributes: ['balance'] })).map(c => c.balance))
  say('findOrCreate', (await Customer.findOrCreate({ where: { name: 'Fay' }, defaults: { balance: 1 } }))[1], (await Customer.findOrCreate({ where: { name: 'Fay' } }))[1])
  say('upsert', (await Setting.upsert({ name: 'color', value: 'red' }))[1], (await Setting.upsert({ name: 'color', value: 'blue' }))[1], clean(await Setting.findAll()))
  say('bulk upsert', clean(await Country.bulkCreate([{ code: 'DE', name: 'Deutschland' }, { code: 'IT', name: 'Italia' }], { updateOnDuplicate: ['name'] })), clean(await Country.findAll({ order: ['code'] })))
  say('destroy', await Customer.destroy({ where: { name: { [Op.in]: ['Eve', 'Fay'] } } }))
  await Plain.create({ id: '9007199254740993', f: 0.1, big: '18446744073709551615', t: '23:59:59' })
  say('plain', clean(await Plain.findByPk('9007199254740993')))
  say('raw', await db.query('SELECT id, name FROM customer WHERE id > :from ORDER BY id LIMIT :n', { replacements: { from: 1, n: 2 }, type: Sequelize.QueryTypes.SELECT }))
  say('bind', await db.query('SELECT $1 AS a, name FROM customer WHERE id = $2', { bind: ['x', 1], type: Sequelize.QueryTypes.SELECT }))
  say('truncate', await Plain.truncate(), await Plain.count())
}

async function transactions () {
  const id = await db.transaction(async t => {
    const c = await Customer.create({ name: 'Tx' }, { transaction: t })
    await c.createOrder({ total: 1, state: 'new' }, { transaction: t })
    return c.id
  })
  say('committed', await Customer.count({ where: { id } }), await Order.count({ where: { customer_id: id } }))
  await db.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE }, async t => {
    await Customer.update({ balance: 0 }, { where: {}, transaction: t })
    throw new Error('no')
  }).catch(e => say('rolled back', e.message))
  say('sum', await Customer.sum('balance'))
  await db.transaction(async t => {
    await Setting.update({ value: 'green' }, { where: { name: 'color' }, transaction: t })
    await db.transaction({ transaction: t }, async t2 => {
      await Country.destroy({ where: { code: 'IT' }, transaction: t2 })
      throw new Error('inner')
    }).catch(e => say('savepoint', e.message))
  })
  say('outer stays', clean(await Setting.findAll()), await Country.count())
  const locked = await db.transaction(t => Customer.findAll({ where: { id: [1, 2] }, lock: t.LOCK.UPDATE, skipLocked: true, transaction: t, attributes: ['id'], order: ['id'] }))
  say('for update', clean(locked))
}

async function errors () {
  await fails('unique', () => Country.create({ code: 'DE', name: 'again' }))
  await fails('null', () => db.query("INSERT INTO customer (name, created_at, updated_at) VALUES (NULL, NOW(), NOW())"))
  await fails('validation', () => Customer.create({}))
  await fails('too long', () => Setting.create({ name: 'x'.repeat(30) }))
  await fails('no table', () => db.query('SELECT * FROM nothing'))
  await fails('no column', () => Customer.findAll({ attributes: ['nothing'] }))
  const other = new Sequelize(database, user, 'wrong', { host, port: Number(port), dialect: 'mysql', dialectModule: require('mysql2'), logging: false })
  await fails('access', () => other.authenticate())
}

async function main () {
  say('driver', 'Sequelize', Sequelize.version, 'on mysql2')
  await schema()
  await records()
  await transactions()
  await errors()
  await db.drop()
  say('dropped', await db.getQueryInterface().showAllTables())
  await db.close()
}

main().then(() => console.log('end'), e => { console.error(e); process.exitCode = 1 })
