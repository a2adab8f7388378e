// What MariaDB's Connector/J is known for: prepared statements on the client and on the server, batches that are
// rewritten, generated keys, streamed results, updatable ones, callable statements and DatabaseMetaData.
import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.util.*;

public class Main {
    static String host, port, user, password, database;

    interface Task { Object run() throws Exception; }

    static void say(String step, Object... what) {
        StringBuilder b = new StringBuilder(step).append(':');
        for (Object w : what) b.append(' ').append(text(w));
        System.out.println(b);
    }

    static String text(Object o) {
        if (o instanceof byte[]) {
            byte[] b = (byte[]) o;
            StringBuilder s = new StringBuilder("bytes " + b.length + " ");
            for (int i = 0; i < Math.min(b.length, 16); i++) s.append(String.format("%02x", b[i]));
            return s.toString();
        }
        if (o instanceof int[]) return Arrays.toString((int[]) o);
        if (o instanceof Object[]) return Arrays.deepToString((Object[]) o);
        if (o instanceof List) {
            StringJoiner j = new StringJoiner(", ", "[", "]");
            for (Object x : (List<?>) o) j.add(text(x));
            return j.toString();
        }
        return String.valueOf(o);
    }

    static void fails(String step, Task t) throws Exception {
        try {
            say(step, "no error", t.run());
        } catch (BatchUpdateException e) {
            say(step, e.getClass().getSimpleName(), e.getUpdateCounts(), e.getErrorCode(), e.getSQLState());
        } catch (SQLException e) {
            say(step, e.getClass().getSimpleName(), e.getErrorCode(), e.getSQLState(), message(e));
        }
    }

    // Without the connection's number, which the driver puts in front.
    static String message(SQLException e) { return String.valueOf(e.getMessage()).replaceAll("\\(conn=\\d+\\) |\\(port=\\d+\\)", "").split("\n")[0]; }

    static Connection connect(String options) throws SQLException {
        return DriverManager.getConnection("jdbc:mariadb://" + host + ":" + port + "/" + database + "?user=" + user + "&password=" + password + "&allowPublicKeyRetrieval=true&serverTimezone=UTC" + options);
    }

    static List<Object> rows(ResultSet r) throws SQLException {
        List<Object> all = new ArrayList<>();
        int n = r.getMetaData().getColumnCount();
        while (r.next()) {
            List<Object> row = new ArrayList<>();
            for (int i = 1; i <= n; i++) row.add(r.getObject(i));
            all.add(row);
        }
        return all;
    }

    static List<Object> shape(ResultSetMetaData m) throws SQLException {
        List<Object> all = new ArrayList<>();
        for (int i = 1; i <= m.getColumnCount(); i++)
            all.add(String.join(" ", m.getColumnLabel(i), m.getColumnName(i), m.getTableName(i), m.getCatalogName(i), m.getColumnTypeName(i), "" + m.getColumnType(i), "" + m.getPrecision(i), "" + m.getScale(i), "" + m.isNullable(i), m.isAutoIncrement(i) ? "auto" : "", m.isSigned(i) ? "signed" : "unsigned", m.getColumnClassName(i)));
        return all;
    }

    static void types(Connection c, String how) throws Exception {
        boolean first = how.equals("text");
        Statement st = c.createStatement();
        if (first) say("create", st.executeUpdate("CREATE TABLE kinds (id INT PRIMARY KEY, b BOOLEAN, ti TINYINT UNSIGNED, si SMALLINT, i INT UNSIGNED, l BIGINT, lu BIGINT UNSIGNED, f FLOAT, d DOUBLE, de DECIMAL(20,6), s VARCHAR(60), t TEXT, bl BLOB, vb VARBINARY(20), da DATE, ti2 TIME, ts DATETIME(6), y YEAR, bi BIT(12), j JSON, e ENUM('a','b'))"));
        int base = first ? 0 : 10;
        PreparedStatement in = c.prepareStatement("INSERT INTO kinds VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
        for (int id = base + 1; id <= base + 3; id++) {
            in.setInt(1, id);
            if (id == base + 2) {
                for (int i = 2; i <= 21; i++) in.setNull(i, Types.NULL);
            } else {
                boolean usual = id == base + 1;
                in.setBoolean(2, usual);
                in.setShort(3, (short) (usual ? 255 : 0));
                in.setShort(4, usual ? Short.MIN_VALUE : 1);
                in.setLong(5, usual ? 4294967295L : 0);
                in.setLong(6, usual ? Long.MIN_VALUE : 0);
                in.setObject(7, usual ? new BigInteger("18446744073709551615") : BigInteger.ONE);
                in.setFloat(8, 0.5f);
                in.setDouble(9, usual ? Math.PI : -0.0);
                in.setBigDecimal(10, new BigDecimal(usual ? "-12345678901234.567891" : "0"));
                in.setString(11, usual ? "it's \\ \"ü\" 😀" : "");
                in.setCharacterStream(12, new StringReader("é".repeat(usual ? 500 : 0)));
                in.setBinaryStream(13, new ByteArrayInputStream(new byte[] {0, 39, 92, -1, 10, 13}));
                in.setBytes(14, usual ? new byte[] {0, -1} : new byte[0]);
                in.setDate(15, java.sql.Date.valueOf(usual ? "2024-02-29" : "1970-01-01"));
                in.setTime(16, Time.valueOf("12:34:56"));
                in.setTimestamp(17, Timestamp.valueOf("2024-02-29 12:34:56.123456"));
                in.setInt(18, 2024);
                in.setBytes(19, new byte[] {0x0a, (byte) 0xbc});
                in.setString(20, "{\"k\": [1, \"ü\"]}");
                in.setString(21, usual ? "a" : "b");
            }
            say(how + " insert", in.executeUpdate());
        }
        for (String q : new String[] {"SELECT * FROM kinds WHERE id > ? ORDER BY id", "SELECT * FROM kinds WHERE id = ? + 1"}) {
            PreparedStatement out = c.prepareStatement(q);
            out.setInt(1, base);
            ResultSet r = out.executeQuery();
            for (Object s : shape(r.getMetaData())) say(how + " column", s);
            for (Object row : rows(r)) say(how + " row", row);
        }
        PreparedStatement again = c.prepareStatement("SELECT ?, id FROM kinds WHERE id IN (?, ?) ORDER BY id");
        Object[][] args = {{1, base + 1, base + 2}, {"x", base + 3, 0}, {null, base + 1, base + 3}, {new BigDecimal("1.50"), base + 2, 99}};
        for (Object[] a : args) {
            for (int i = 0; i < 3; i++) again.setObject(i + 1, a[i]);
            ResultSet r = again.executeQuery();
            List<Object> all = new ArrayList<>();
            while (r.next()) all.add(r.getString(1) + "/" + r.getInt(2));
            say(how + " again", all);
        }
        ParameterMetaData p = again.getParameterMetaData();
        say(how + " parameters", p.getParameterCount());
        fails(how + " duplicate", () -> st.executeUpdate("INSERT INTO kinds (id) VALUES (1)"));
        fails(how + " bad prepare", () -> c.prepareStatement("SELECT nothing FROM kinds WHERE id = ?").executeQuery());
    }

    static void batches(String options) throws Exception {
        try (Connection c = connect(options); Statement st = c.createStatement()) {
            say("batches", options);
            st.execute("DROP TABLE IF EXISTS ids");
            st.execute("CREATE TABLE ids (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(8) NOT NULL, n INT)");
            PreparedStatement in = c.prepareStatement("INSERT INTO ids (v, n) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS);
            in.setString(1, "one");
            in.setInt(2, 1);
            say("one", in.executeUpdate(), rows(in.getGeneratedKeys()));
            for (int i = 0; i < 5; i++) {
                in.setString(1, "b" + i);
                if (i % 2 == 0) in.setInt(2, i); else in.setNull(2, Types.INTEGER);
                in.addBatch();
            }
            in.executeBatch();
            say("keys", rows(in.getGeneratedKeys()));
            say("rows", rows(st.executeQuery("SELECT * FROM ids ORDER BY id")));
            PreparedStatement up = c.prepareStatement("UPDATE ids SET n = ? WHERE id = ?");
            for (int i = 1; i <= 3; i++) {
                up.setInt(1, i * 10);
                up.setInt(2, i == 3 ? 99 : i);
                up.addBatch();
            }
            say("updates", up.executeBatch());
            st.addBatch("INSERT INTO ids (v) VALUES ('s1')");
            st.addBatch("DELETE FROM ids WHERE id = 2");
            st.addBatch("UPDATE ids SET n = 0");
            say("statements", st.executeBatch());
            PreparedStatement bad = c.prepareStatement("INSERT INTO ids (id, v) VALUES (?, ?)");
            for (int id : new int[] {100, 1, 101}) {
                bad.setInt(1, id);
                bad.setString(2, "x");
                bad.addBatch();
            }
            c.setAutoCommit(false);
            try {
                bad.executeBatch();
                say("bad batch", "no error");
            } catch (BatchUpdateException e) {
                say("bad batch", e.getErrorCode(), e.getSQLState());
            }
            c.rollback();
            c.setAutoCommit(true);
            PreparedStatement many = c.prepareStatement("INSERT INTO ids (id, v) VALUES (?, ?)");
            for (int i = 1000; i < 3000; i++) {
                many.setInt(1, i);
                many.setString(2, "m");
                many.addBatch();
            }
            int n = 0;
            for (int x : many.executeBatch()) n += x == 1 || x == Statement.SUCCESS_NO_INFO ? 1 : 0;
            say("many", n);
            say("sum", rows(st.executeQuery("SELECT COUNT(*), SUM(id) FROM ids")));
        }
    }

    static void results(Connection c) throws Exception {
        Statement st = c.createStatement();
        st.executeUpdate("DELETE FROM ids WHERE id = 500");
        st.setFetchSize(Integer.MIN_VALUE);
        ResultSet r = st.executeQuery("SELECT id FROM ids WHERE id >= 1000 ORDER BY id");
        long sum = 0;
        while (r.next()) sum += r.getInt(1);
        say("streamed", sum);
        st.setFetchSize(100);
        r = st.executeQuery("SELECT id FROM ids ORDER BY id");
        r.next();
        say("fetch size", r.getInt(1));
        r.close();
        Statement scroll = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
        r = scroll.executeQuery("SELECT id, v, n FROM ids WHERE id < 100 ORDER BY id");
        r.last();
        say("last", r.getRow(), r.getString("v"));
        r.absolute(2);
        r.updateString("v", "upd");
        r.updateRow();
        r.moveToInsertRow();
        r.updateInt("id", 500);
        r.updateString("v", "ins");
        r.insertRow();
        r.first();
        r.deleteRow();
        Statement plain = c.createStatement();
        say("updated", rows(plain.executeQuery("SELECT id, v FROM ids WHERE id < 1000 ORDER BY id")));
        plain.setMaxRows(2);
        say("max rows", rows(plain.executeQuery("SELECT id FROM ids ORDER BY id")));
        plain.setMaxRows(0);
        plain.executeUpdate("INSERT INTO ids (v) VALUES ('k')", Statement.RETURN_GENERATED_KEYS);
        say("generated", rows(plain.getGeneratedKeys()).size());
        say("large", plain.executeLargeUpdate("UPDATE ids SET n = 3 WHERE id >= 1000"));
        plain.execute("DROP TABLE IF EXISTS nothing");
        SQLWarning w = plain.getWarnings();
        say("warnings", w == null ? null : w.getErrorCode() + " " + w.getMessage());
    }

    static void transactions(Connection c) throws Exception {
        Statement st = c.createStatement();
        c.setAutoCommit(false);
        st.executeUpdate("UPDATE ids SET n = 8");
        Savepoint named = c.setSavepoint("named one");
        st.executeUpdate("DELETE FROM ids WHERE id < 1000");
        Savepoint unnamed = c.setSavepoint();
        st.executeUpdate("UPDATE ids SET n = 9");
        c.rollback(unnamed);
        c.rollback(named);
        c.releaseSavepoint(named);
        c.commit();
        say("savepoints", rows(st.executeQuery("SELECT MIN(n), MAX(n), COUNT(*) FROM ids")));
        c.rollback();
        for (int level : new int[] {Connection.TRANSACTION_READ_UNCOMMITTED, Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE}) {
            c.setTransactionIsolation(level);
            say("isolation", level, c.getTransactionIsolation());
        }
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        c.setAutoCommit(true);
        c.setReadOnly(true);
        say("read only", c.isReadOnly());
        fails("write", () -> st.executeUpdate("UPDATE ids SET n = 1 WHERE id = 500"));
        c.setReadOnly(false);
        try (Connection a = connect(""); Connection b = connect("")) {
            a.setAutoCommit(false);
            b.setAutoCommit(false);
            b.createStatement().execute("SET innodb_lock_wait_timeout = 1");
            a.createStatement().executeUpdate("UPDATE ids SET n = 1 WHERE id = 500");
            fails("lock wait", () -> b.createStatement().executeUpdate("UPDATE ids SET n = 2 WHERE id = 500"));
            a.rollback();
            b.rollback();
        }
        // For MariaDB the driver writes SET STATEMENT max_statement_time = 1 FOR …, which Lockstep refuses by name.
        if (!c.getMetaData().getDatabaseProductName().equals("MariaDB")) fails("time out", () -> {
            Statement slow = c.createStatement();
            slow.setQueryTimeout(1);
            return rows(slow.executeQuery("SELECT SLEEP(3)"));
        });
    }

    static void calls(Connection c) throws Exception {
        Statement st = c.createStatement();
        st.execute("CREATE PROCEDURE p(IN a INT, OUT b VARCHAR(20), INOUT c INT) BEGIN SET b = CONCAT('got ', a); SET c = c + a; SELECT a AS x, c AS y; SELECT 'more' AS z; END");
        CallableStatement call = c.prepareCall("{call p(?, ?, ?)}");
        for (int a : new int[] {5, 6}) {
            call.setInt(1, a);
            call.registerOutParameter(2, Types.VARCHAR);
            call.setInt(3, 10);
            call.registerOutParameter(3, Types.INTEGER);
            boolean more = call.execute();
            while (more) {
                say("call", rows(call.getResultSet()));
                more = call.getMoreResults();
            }
            say("out", call.getString(2), call.getInt(3));
        }
        st.execute("DROP PROCEDURE p");
        try (Connection m = connect("&allowMultiQueries=true")) {
            Statement several = m.createStatement();
            boolean result = several.execute("SELECT 1; UPDATE ids SET n = 4 WHERE id = 500; SELECT id FROM ids WHERE id = 500");
            for (int i = 0; i < 3; i++) {
                say("several", result, result ? rows(several.getResultSet()) : several.getUpdateCount());
                result = several.getMoreResults();
            }
        }
    }

    static List<Object> pick(ResultSet r, String... names) throws SQLException {
        List<Object> all = new ArrayList<>();
        while (r.next()) {
            List<Object> row = new ArrayList<>();
            for (String n : names) row.add(r.getObject(n));
            all.add(row);
        }
        return all;
    }

    static void metadata(Connection c) throws Exception {
        DatabaseMetaData m = c.getMetaData();
        say("server", m.getDatabaseProductName(), m.getDatabaseProductVersion(), m.getDatabaseMajorVersion());
        say("driver", m.getDriverName(), m.getDriverVersion());
        Statement st = c.createStatement();
        st.execute("CREATE TABLE parent (id INT PRIMARY KEY, v INT)");
        st.execute("CREATE TABLE customer (id INT PRIMARY KEY, name VARCHAR(10), UNIQUE KEY (name, id))");
        st.execute("CREATE TABLE orders (id INT, customer_id INT NOT NULL, PRIMARY KEY (id, customer_id), CONSTRAINT owner FOREIGN KEY (customer_id) REFERENCES customer (id))");
        say("tables", pick(m.getTables(database, null, "%", new String[] {"TABLE"}), "TABLE_NAME", "TABLE_TYPE"));
        say("columns", pick(m.getColumns(database, null, "kinds", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS", "IS_NULLABLE", "IS_AUTOINCREMENT"));
        say("keys", pick(m.getPrimaryKeys(database, null, "orders"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"));
        say("indexes", pick(m.getIndexInfo(database, null, "customer", false, true), "INDEX_NAME", "NON_UNIQUE", "COLUMN_NAME", "ORDINAL_POSITION"));
        say("imported", pick(m.getImportedKeys(database, null, "orders"), "PKTABLE_NAME", "PKCOLUMN_NAME", "FKCOLUMN_NAME", "FK_NAME"));
        say("exported", pick(m.getExportedKeys(database, null, "customer"), "FKTABLE_NAME", "FKCOLUMN_NAME"));
        say("catalogs", pick(m.getCatalogs(), "TABLE_CAT").contains(List.of(database)));
        say("types", pick(m.getTypeInfo(), "TYPE_NAME").size());
        say("supports", m.supportsTransactions(), m.supportsSavepoints(), m.supportsBatchUpdates(), m.getIdentifierQuoteString());
        say("catalog", c.getCatalog());
        c.setCatalog("information_schema");
        say("catalog", c.getCatalog());
        c.setCatalog(database);
        st.execute("USE information_schema");
        say("used", c.getCatalog());
        c.setCatalog(database);
        fails("foreign key", () -> st.executeUpdate("INSERT INTO orders VALUES (1, 77)"));
    }

    static void errors(Connection c) throws Exception {
        Statement st = c.createStatement();
        fails("syntax", () -> st.execute("SELECT FROM"));
        fails("no table", () -> st.execute("SELECT * FROM nothing"));
        fails("null", () -> st.execute("INSERT INTO ids (v) VALUES (NULL)"));
        fails("too long", () -> st.execute("INSERT INTO ids (v) VALUES ('123456789')"));
        fails("access", () -> DriverManager.getConnection("jdbc:mariadb://" + host + ":" + port + "/" + database + "?user=" + user + "&password=no&allowPublicKeyRetrieval=true"));
        fails("no database", () -> DriverManager.getConnection("jdbc:mariadb://" + host + ":" + port + "/nowhere?user=" + user + "&password=" + password + "&allowPublicKeyRetrieval=true"));
        say("valid", c.isValid(2));
        Connection gone = connect("");
        gone.abort(Runnable::run);
        say("aborted", gone.isClosed());
    }

    public static void main(String[] args) throws Exception {
        host = args[0];
        port = args[1];
        user = args[2];
        password = args[3];
        database = args[4];
        System.setOut(new java.io.PrintStream(System.out, true, StandardCharsets.UTF_8));
        try (Connection text = connect(""); Connection server = connect("&useServerPrepStmts=true&cachePrepStmts=true")) {
            types(text, "text");
            // MySQL 9 refuses what this version of the driver sends for some NULLs, with or without a proxy.
            boolean prepares = text.getMetaData().getDatabaseProductName().equals("MariaDB");
            if (prepares) types(server, "prepared");
            batches("");
            batches("&rewriteBatchedStatements=true");
            if (prepares) batches("&useServerPrepStmts=true");
            batches("&useBulkStmts=false&useBatchMultiSend=false");
            results(text);
            results(server);
            transactions(text);
            calls(text);
            calls(server);
            metadata(text);
            errors(text);
            Connection init = connect("&sessionVariables=sql_mode='ANSI_QUOTES',time_zone='+03:00'&useAffectedRows=true&characterEncoding=utf8");
            say("session variables", rows(init.createStatement().executeQuery("SELECT @@sql_mode, @@time_zone, \"id\" FROM ids WHERE id = 500")));
            say("affected", init.createStatement().executeUpdate("UPDATE ids SET n = n WHERE id = 500"), text.createStatement().executeUpdate("UPDATE ids SET n = n WHERE id = 500"));
            init.close();
        }
        System.out.println("end");
    }
}
