# What SQLAlchemy is known for: reflection of what is there, its expression language, sessions with a unit of work,
# relations loaded in several ways, nested transactions, streamed results, and pools that look before they lend.
import datetime
import decimal
import sys
import warnings

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.declarative import declarative_base

warnings.simplefilter("ignore")
host, port, user, password, database = sys.argv[1:]


def say(step, *what):
    print(step + ":", *what, flush=True)


def fails(step, f):
    try:
        say(step, "no error", f())
    except sa.exc.DBAPIError as e:
        say(step, type(e).__name__, type(e.orig).__name__, e.orig.args, e.connection_invalidated)


Base = declarative_base()


class Customer(Base):
    __tablename__ = "customer"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(40), nullable=False, index=True)
    balance = sa.Column(sa.Numeric(12, 2), default=0, comment="in euros")
    born = sa.Column(sa.Date)
    photo = sa.Column(sa.LargeBinary)
    country_code = sa.Column(sa.String(2))
    orders = orm.relationship("Order", back_populates="customer", primaryjoin="Customer.id == foreign(Order.customer_id)", order_by="Order.id", cascade="all, delete-orphan")
    country = orm.relationship("Country", primaryjoin="foreign(Customer.country_code) == Country.code")


class Order(Base):
    __tablename__ = "orders"
    id = sa.Column(sa.Integer, primary_key=True)
    customer_id = sa.Column(sa.Integer, nullable=False)
    total = sa.Column(mysql.DECIMAL(10, 2, unsigned=True))
    state = sa.Column(sa.Enum("new", "paid", "sent"), server_default="new")
    placed = sa.Column(mysql.DATETIME(fsp=6))
    detail = sa.Column(sa.Text)
    customer = orm.relationship("Customer", back_populates="orders", primaryjoin="Customer.id == foreign(Order.customer_id)")


class Country(Base):
    __tablename__ = "country"
    code = sa.Column(sa.String(2), primary_key=True)
    name = sa.Column(sa.String(40), unique=True)


class Setting(Base):
    __tablename__ = "setting"
    name = sa.Column(sa.String(20), primary_key=True)
    value = sa.Column(sa.String(50))
    version = sa.Column(sa.Integer, nullable=False)
    __mapper_args__ = {"version_id_col": version}


def url(driver, **more):
    return sa.engine.URL.create("mysql+" + driver, user, password, host, int(port), database, query=dict(charset="utf8mb4", **more))


def reflection(engine):
    i = sa.inspect(engine)
    say("dialect", i.dialect.name, i.dialect.driver, i.default_schema_name)
    say("tables", sorted(i.get_table_names()), i.get_view_names(), database in i.get_schema_names())
    for t in ("customer", "orders", "country", "setting"):
        for c in i.get_columns(t):
            say("column " + t, {k: str(v) for k, v in sorted(c.items())})
        say("keys " + t, i.get_pk_constraint(t), i.get_indexes(t), i.get_unique_constraints(t), i.get_foreign_keys(t), i.get_check_constraints(t))
        say("options " + t, {k: v for k, v in i.get_table_options(t).items() if "auto_increment" not in k})
    say("has", i.has_table("customer"), i.has_table("nothing"))
    meta = sa.MetaData()
    meta.reflect(engine)
    say("reflected", [(t.name, [c.name for c in t.columns]) for t in meta.sorted_tables])


def unit_of_work(Session):
    with Session() as s:
        s.add_all([Country(code=c, name=n) for c, n in (("DE", "Germany"), ("FR", "France"), ("JP", "日本"))])
        for n, name in enumerate(("Anna", "Ben", "Cleo", "Dan's \"ü\" 😀")):
            c = Customer(name=name, balance=decimal.Decimal("10.50") * n, born=datetime.date(1990, 1 + n, 28), photo=bytes([0, 39, 92, 255, n]), country_code=("DE", "FR", "JP", None)[n])
            c.orders = [Order(total=decimal.Decimal(n * 10 + k), state=("new", "paid", "sent")[k], placed=datetime.datetime(2024, 2, 29, 1, 2, 3, k), detail="d" * 300) for k in range(n)]
            s.add(c)
        s.flush()
        say("ids", [c.id for c in s.query(Customer).order_by(Customer.id)])
        s.commit()
        for c in s.query(Customer).options(orm.selectinload(Customer.orders), orm.joinedload(Customer.country)).order_by(Customer.id):
            say("customer", c.id, c.name, c.balance, c.born, c.photo, c.country and c.country.name, [(o.total, o.state, o.placed) for o in c.orders])
        say("joined", [(c.name, len(c.orders)) for c in s.query(Customer).options(orm.joinedload(Customer.orders)).filter(Customer.id == 3)])
        say("subquery load", [(c.name, len(c.orders)) for c in s.query(Customer).options(orm.selectinload(Customer.orders)).filter(Customer.id.in_([2, 3])).order_by(Customer.name.desc())])
        c = s.get(Customer, 4)
        c.balance = Customer.balance + 1
        c.orders.pop()
        c.orders.append(Order(total=99))
        s.commit()
        say("changed", c.balance, [(o.total, o.state) for o in c.orders])
        s.delete(s.get(Customer, 2))
        s.commit()
        say("cascaded", s.query(sa.func.count(Customer.id)).scalar(), s.query(sa.func.count(Order.id)).scalar())
        fails("count()", lambda: s.query(Customer).count())
        say("count() of one shard", s.query(Customer).filter(Customer.id == 1).count())
        say("bulk", s.query(Order).filter(Order.total > 20).update({"state": "paid"}), s.query(Order).filter(Order.total < 1).delete())
        s.bulk_save_objects([Setting(name="n%d" % n, value=str(n), version=1) for n in range(3)])
        s.commit()
        a = s.get(Setting, "n1")
        a.value = "new"
        s.commit()
        say("version", a.version)
        with Session() as other:
            b = other.get(Setting, "n1")
            a.value, b.value = "a", "b"
            other.commit()
            try:
                s.commit()
                say("stale", "no error")
            except orm.exc.StaleDataError as e:
                say("stale", type(e).__name__)
                s.rollback()


def expressions(engine):
    customer, orders = Customer.__table__, Order.__table__
    with engine.connect() as c:
        for name, q in {
            "where": sa.select(customer.c.name).where(sa.or_(customer.c.id == 1, customer.c.name.like("C%"))).order_by(customer.c.id),
            "join": sa.select(customer.c.name, orders.c.total).join(orders, customer.c.id == orders.c.customer_id).order_by(orders.c.total),
            "group": sa.select(orders.c.customer_id, sa.func.count(), sa.func.sum(orders.c.total)).group_by(orders.c.customer_id).having(sa.func.count() > 1).order_by(orders.c.customer_id),
            "case": sa.select(customer.c.id, sa.case((customer.c.balance > 10, "rich"), else_="poor")).order_by(customer.c.id),
            "limit": sa.select(orders.c.total).order_by(orders.c.total.desc()).limit(2).offset(1),
            "exists": sa.select(customer.c.name).where(sa.exists().where(orders.c.customer_id == customer.c.id)).order_by(customer.c.name),
            "distinct": sa.select(orders.c.state).distinct().order_by(orders.c.state),
            "cast": sa.select(sa.cast(customer.c.balance, sa.Integer), sa.func.concat(customer.c.name, "!")).where(customer.c.id == 3),
            "aggregates": sa.select(sa.func.count(), sa.func.sum(orders.c.total), sa.func.avg(orders.c.total), sa.func.max(orders.c.placed)),
        }.items():
            say(name, c.execute(q).fetchall())
        r = c.execution_options(stream_results=True).execute(sa.select(customer.c.id).order_by(customer.c.id))
        say("streamed", [p for p in r.partitions(2)])
    with engine.begin() as c:
        r = c.execute(customer.insert().values(name="Ins", balance=1))
        say("inserted", r.rowcount, r.inserted_primary_key)
        r = c.execute(customer.insert(), [dict(name="M%d" % n, balance=n) for n in range(4)])
        say("executemany", r.rowcount)
        r = c.execute(mysql.insert(Country.__table__).values([dict(code="DE", name="x"), dict(code="IT", name="Italy")]).on_duplicate_key_update(name="Deutschland"))
        say("upsert", r.rowcount)
        say("text", c.execute(sa.text("SELECT :a + 1, name FROM customer WHERE id = :id"), dict(a=1, id=1)).fetchall())
        r = c.execute(customer.update().where(customer.c.name.like("M%")).values(balance=customer.c.balance * 2))
        say("update", r.rowcount)
        say("sum", c.execute(sa.select(sa.func.sum(customer.c.balance))).scalar())


def transactions(engine):
    for level in "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "AUTOCOMMIT":
        with engine.connect().execution_options(isolation_level=level) as c:
            say(level, c.get_isolation_level() if level != "AUTOCOMMIT" else c.execute(sa.text("SELECT @@autocommit")).scalar(), c.execute(sa.text("SELECT COUNT(*) FROM customer")).scalar())
    with engine.connect() as c:
        t = c.begin()
        c.execute(sa.text("DELETE FROM orders"))
        n = c.begin_nested()
        c.execute(sa.text("DELETE FROM customer"))
        n.rollback()
        say("nested", c.execute(sa.text("SELECT COUNT(*) FROM customer")).scalar(), c.execute(sa.text("SELECT COUNT(*) FROM orders")).scalar())
        t.rollback()
        say("outer", c.execute(sa.text("SELECT COUNT(*) FROM orders")).scalar())
    with orm.Session(engine) as s:
        say("for update", s.query(Customer.id).filter(Customer.id.in_([1, 3])).order_by(Customer.id).with_for_update(skip_locked=True).all())


def errors(engine):
    run = lambda q: engine.execute(sa.text(q)).fetchall()
    fails("duplicate", lambda: run("INSERT INTO country VALUES ('DE', 'y')"))
    fails("null", lambda: run("UPDATE customer SET name = NULL WHERE id = 1"))
    fails("too long", lambda: run("INSERT INTO country VALUES ('DEU', 'y')"))
    fails("no table", lambda: run("SELECT * FROM nothing"))
    fails("enum", lambda: run("UPDATE orders SET state = 'lost'"))
    pool = sa.create_engine(engine.url, pool_size=1, max_overflow=0, pool_pre_ping=True)
    with pool.connect() as c:
        n = c.execute(sa.text("SELECT CONNECTION_ID()")).scalar()
    with engine.connect() as c:
        c.execute(sa.text("KILL %d" % n))
    import time
    time.sleep(0.3)
    with pool.connect() as c:
        say("pre ping", c.execute(sa.text("SELECT CONNECTION_ID()")).scalar() != n)


for driver in "pymysql", "mysqldb":
    engine = sa.create_engine(url(driver), pool_recycle=60)
    say("driver", "SQLAlchemy", sa.__version__, driver)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    reflection(engine)
    Session = orm.sessionmaker(engine, expire_on_commit=True)
    unit_of_work(Session)
    expressions(engine)
    transactions(engine)
    errors(engine)
    Base.metadata.drop_all(engine)
    engine.dispose()
print("end")
