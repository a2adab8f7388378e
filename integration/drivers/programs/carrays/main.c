// What MariaDB's C library does that few drivers over it show: cursors, arrays of parameters with
// indicators, PREPARE and EXECUTE in one go, results and OUT parameters of procedures, session state,
// compression. All of it is done twice, without compression and with it.
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **args;

static void fail(const char *step, const char *why) {
	fprintf(stderr, "%s: %s\n", step, why);
	exit(1);
}

static void query(MYSQL *m, const char *sql) {
	if (mysql_query(m, sql)) {
		printf("%.40s: error %u %s\n", sql, mysql_errno(m), mysql_sqlstate(m));
		return;
	}
	MYSQL_RES *r = mysql_store_result(m);
	if (!r) {
		printf("%.40s: %llu rows affected, info %s\n", sql, (unsigned long long)mysql_affected_rows(m), mysql_info(m) ? mysql_info(m) : "-");
		return;
	}
	printf("%.40s:", sql);
	for (MYSQL_ROW row; (row = mysql_fetch_row(r));) {
		printf(" (");
		for (unsigned i = 0; i < mysql_num_fields(r); i++)
			printf("%s%s", i ? "," : "", row[i] ? row[i] : "NULL");
		printf(")");
	}
	printf("\n");
	mysql_free_result(r);
}

static void track(MYSQL *m, const char *sql) {
	if (mysql_query(m, sql))
		printf("%s: error %u\n", sql, mysql_errno(m));
	MYSQL_RES *r = mysql_store_result(m);
	if (r)
		mysql_free_result(r);
	printf("tracked after %s:", sql);
	for (int kind = SESSION_TRACK_BEGIN; kind <= SESSION_TRACK_END; kind++) {
		const char *data;
		size_t n;
		if (mysql_session_track_get_first(m, kind, &data, &n))
			continue;
		do
			printf(" %d=%.*s", kind, (int)n, data);
		while (!mysql_session_track_get_next(m, kind, &data, &n));
	}
	printf("\n");
}

static MYSQL_STMT *prepare(MYSQL *m, const char *sql) {
	MYSQL_STMT *s = mysql_stmt_init(m);
	if (mysql_stmt_prepare(s, sql, strlen(sql)))
		fail(sql, mysql_stmt_error(s));
	return s;
}

// rows fetches what is left of a result of a number and a text.
static void rows(MYSQL_STMT *s, const char *step, int most) {
	int id = 0;
	char v[64];
	unsigned long n = 0;
	my_bool null_id = 0, null_v = 0;
	MYSQL_BIND out[2];
	memset(out, 0, sizeof out);
	out[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &id, .is_null = &null_id};
	out[1] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = v, .buffer_length = sizeof v, .length = &n, .is_null = &null_v};
	if (mysql_stmt_bind_result(s, out))
		fail(step, mysql_stmt_error(s));
	printf("%s:", step);
	int code = 0;
	while (most-- && !(code = mysql_stmt_fetch(s))) {
		printf(" %d=%.*s", null_id ? -1 : id, null_v ? 4 : (int)n, null_v ? "NULL" : v);
	}
	if (code == 1)
		printf(" error %u", mysql_stmt_errno(s));
	printf("\n");
}

static void cursors(MYSQL *m) {
	query(m, "DROP TABLE IF EXISTS customer");
	query(m, "CREATE TABLE customer (id INT PRIMARY KEY, v VARCHAR(20))");
	char sql[4000] = "INSERT INTO customer VALUES ";
	for (int i = 1; i <= 100; i++)
		sprintf(sql + strlen(sql), "%s(%d,'v%d')", i > 1 ? "," : "", i, i);
	query(m, sql);
	MYSQL_STMT *s = prepare(m, "SELECT id, v FROM customer WHERE id > 2 ORDER BY id");
	for (unsigned long size = 1; size < 200; size *= 7) {
		unsigned long type = CURSOR_TYPE_READ_ONLY;
		if (mysql_stmt_attr_set(s, STMT_ATTR_CURSOR_TYPE, &type) || mysql_stmt_attr_set(s, STMT_ATTR_PREFETCH_ROWS, &size))
			fail("attributes", mysql_stmt_error(s));
		if (mysql_stmt_execute(s))
			fail("execute with a cursor", mysql_stmt_error(s));
		rows(s, "first rows of a cursor", 20);
		query(m, "SELECT COUNT(*) FROM customer");
		query(m, "DELETE FROM customer WHERE id = 50");
		rows(s, "the others", -1);
		mysql_stmt_free_result(s);
	}
	if (mysql_stmt_execute(s))
		fail("execute again", mysql_stmt_error(s));
	rows(s, "some", 3);
	printf("reset: %d\n", mysql_stmt_reset(s));
	mysql_stmt_close(s);
	query(m, "SELECT COUNT(*) FROM customer");
}

// bulk runs a statement of a number and a text for several rows.
static void bulk(MYSQL *m, const char *sql, unsigned n, int *ids, char **texts, char *indicators) {
	MYSQL_STMT *s = mysql_stmt_init(m);
	if (mysql_stmt_prepare(s, sql, strlen(sql)))
		fail(sql, mysql_stmt_error(s));
	MYSQL_BIND in[2];
	memset(in, 0, sizeof in);
	unsigned long lengths[1000];
	char plain[1000];
	memset(plain, STMT_INDICATOR_NONE, sizeof plain);
	for (unsigned i = 0; i < n; i++)
		lengths[i] = texts ? strlen(texts[i]) : 0;
	unsigned count = mysql_stmt_param_count(s);
	int number = texts && strncmp(sql, "UPDATE", 6) == 0; // there the text comes first
	in[number] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = ids, .u.indicator = plain};
	if (count > 1)
		in[!number] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = texts, .length = lengths, .u.indicator = indicators ? indicators : plain};
	if (mysql_stmt_attr_set(s, STMT_ATTR_ARRAY_SIZE, &n) || mysql_stmt_bind_param(s, in))
		fail(sql, mysql_stmt_error(s));
	if (mysql_stmt_execute(s))
		printf("bulk %s: error %u %s\n", sql, mysql_stmt_errno(s), mysql_stmt_sqlstate(s));
	else
		printf("bulk %s: %llu rows\n", sql, (unsigned long long)mysql_stmt_affected_rows(s));
	mysql_stmt_close(s);
}

static void bulks(MYSQL *m) {
	query(m, "DROP TABLE IF EXISTS orders");
	query(m, "CREATE TABLE orders (customer_id INT PRIMARY KEY, v VARCHAR(20) DEFAULT 'usual')");
	int ids[1000];
	char *texts[1000], memory[1000][20], none[1000];
	for (int i = 0; i < 1000; i++) {
		ids[i] = i + 1;
		sprintf(memory[i], "it's %d \\ ?", i);
		texts[i] = memory[i];
		none[i] = STMT_INDICATOR_NONE;
	}
	char some[1000];
	memcpy(some, none, sizeof some);
	some[1] = STMT_INDICATOR_NULL;
	some[2] = STMT_INDICATOR_DEFAULT;
	some[3] = STMT_INDICATOR_IGNORE;
	bulk(m, "INSERT INTO orders VALUES (?, ?)", 1000, ids, texts, some);
	query(m, "SELECT * FROM orders WHERE customer_id <= 6 ORDER BY customer_id");
	query(m, "SELECT COUNT(*), SUM(customer_id), MIN(LENGTH(v)) FROM orders");
	int twice[3] = {2001, 2002, 1};
	bulk(m, "INSERT INTO orders VALUES (?, ?)", 3, twice, texts, NULL);
	query(m, "SELECT COUNT(*) FROM orders WHERE customer_id > 2000");
	bulk(m, "INSERT IGNORE INTO orders VALUES (?, ?)", 3, twice, texts, NULL);
	bulk(m, "REPLACE INTO orders VALUES (?, ?)", 3, twice, texts, NULL);
	bulk(m, "INSERT INTO orders VALUES (?, ?) ON DUPLICATE KEY UPDATE v = CONCAT('again ', VALUES(v))", 3, twice, texts, NULL);
	query(m, "SELECT * FROM orders WHERE customer_id IN (1, 2001) ORDER BY customer_id");
	char update[4] = {STMT_INDICATOR_NONE, STMT_INDICATOR_NULL, STMT_INDICATOR_DEFAULT, STMT_INDICATOR_IGNORE};
	int four[4] = {11, 12, 13, 14};
	bulk(m, "UPDATE orders SET v = ? WHERE customer_id = ?", 4, four, texts, update);
	query(m, "SELECT * FROM orders WHERE customer_id BETWEEN 11 AND 14 ORDER BY customer_id");
	bulk(m, "DELETE FROM orders WHERE customer_id = ?", 4, four, NULL, NULL);
	query(m, "BEGIN");
	bulk(m, "DELETE FROM orders WHERE customer_id = ?", 1000, ids, NULL, NULL);
	query(m, "SELECT COUNT(*) FROM orders");
	query(m, "ROLLBACK");
	query(m, "SELECT COUNT(*) FROM orders");
}

static void direct(MYSQL *m) {
	for (int i = 0; i < 3; i++) {
		MYSQL_STMT *s = mysql_stmt_init(m);
		const char *sql = i == 1 ? "SELECT nosuch, ? FROM customer" : "SELECT 7 AS a, 'text' AS b FROM customer WHERE id = 1";
		if (mariadb_stmt_execute_direct(s, sql, strlen(sql)))
			printf("direct: error %u\n", mysql_stmt_errno(s));
		else
			rows(s, "direct", -1);
		mysql_stmt_close(s);
	}
}

static void procedures(MYSQL *m) {
	query(m, "DROP PROCEDURE IF EXISTS several");
	query(m, "CREATE PROCEDURE several(IN a INT, OUT b INT, INOUT c VARCHAR(20)) BEGIN SELECT a, 'first'; SELECT a + 1, 'second' UNION SELECT a + 2, 'third'; SET b = a * 2, c = CONCAT(c, '!'); END");
	MYSQL_STMT *s = prepare(m, "CALL several(?, ?, ?)");
	int a = 5;
	char text[20] = "in";
	unsigned long n = 2;
	MYSQL_BIND in[3];
	memset(in, 0, sizeof in);
	in[0] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &a};
	in[1] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &a};
	in[2] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = text, .buffer_length = 2, .length = &n};
	if (mysql_stmt_bind_param(s, in) || mysql_stmt_execute(s))
		fail("call", mysql_stmt_error(s));
	do {
		if (!mysql_stmt_field_count(s)) {
			printf("result without rows\n");
			continue;
		}
		rows(s, m->server_status & SERVER_PS_OUT_PARAMS ? "out parameters" : "result", -1);
		mysql_stmt_free_result(s);
	} while (!mysql_stmt_next_result(s));
	mysql_stmt_close(s);
	query(m, "SELECT 1");
	query(m, "SET @c = 'x'");
	if (mysql_query(m, "CALL several(1, @b, @c)"))
		fail("call", mysql_error(m));
	do {
		MYSQL_RES *r = mysql_store_result(m);
		printf("text result: %llu rows\n", r ? (unsigned long long)mysql_num_rows(r) : 0ULL);
		if (r)
			mysql_free_result(r);
	} while (!mysql_next_result(m));
	query(m, "SELECT @b, @c");
}

static void tracks(MYSQL *m) {
	char use[100];
	sprintf(use, "USE %s", args[5]);
	track(m, use);
	track(m, "SET NAMES latin1");
	track(m, "SET NAMES utf8mb4");
	track(m, "SET time_zone = '+02:00', @x = 1");
	track(m, "SET autocommit = 0");
	track(m, "SET autocommit = 1");
	track(m, "SET sql_mode = ''");
	track(m, "SET session_track_system_variables = 'sql_mode', session_track_state_change = 1");
	track(m, "SET sql_mode = 'ANSI'");
	track(m, "SET sql_mode = DEFAULT");
	track(m, "SET time_zone = 'SYSTEM'");
	track(m, "SET @x = 2");
	track(m, "SET session_track_schema = 0");
	track(m, use);
	track(m, "SELECT 1");
}

int main(int argc, char **argv) {
	args = argv;
	if (argc != 6)
		fail("usage", "host port user password database");
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int compress = 0; compress < 2; compress++) {
		MYSQL *m = mysql_init(NULL);
		if (compress)
			mysql_options(m, MYSQL_OPT_COMPRESS, NULL);
		if (!mysql_real_connect(m, argv[1], argv[3], argv[4], argv[5], atoi(argv[2]), NULL, CLIENT_MULTI_STATEMENTS))
			fail("connect", mysql_error(m));
		unsigned long long ext = 0;
		mariadb_get_infov(m, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &ext);
		printf("compression %d, arrays of parameters: %d\n", compress, (ext & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0);
		cursors(m);
		bulks(m);
		direct(m);
		procedures(m);
		tracks(m);
		query(m, "SELECT REPEAT('compressible', 5), 1; SELECT 2");
		while (!mysql_next_result(m)) {
			MYSQL_RES *r = mysql_store_result(m);
			if (r)
				mysql_free_result(r);
		}
		query(m, "SELECT LENGTH(REPEAT('x', 3000000)), MD5(REPEAT('abc', 1000000))");
		mysql_close(m);
	}
	printf("end\n");
	return 0;
}
