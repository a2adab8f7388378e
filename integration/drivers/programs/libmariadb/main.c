// What MariaDB's C library is known for, and what the drivers over it build on: text and prepared statements with
// bound buffers, long data in pieces, results that are stored or read row by row, several results, options.
#include <mysql.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *host, *user, *password, *database;
static unsigned port;

static MYSQL *connect_with(const char *charset, unsigned long flags) {
	MYSQL *m = mysql_init(NULL);
	mysql_options(m, MYSQL_SET_CHARSET_NAME, charset);
	mysql_options(m, MYSQL_INIT_COMMAND, "SET @greeting = 'hello'");
	if (!mysql_real_connect(m, host, user, password, database, port, NULL, flags)) {
		fprintf(stderr, "connect: %u %s\n", mysql_errno(m), mysql_error(m));
		exit(1);
	}
	return m;
}

static void columns(MYSQL_RES *r) {
	MYSQL_FIELD *f;
	mysql_field_seek(r, 0);
	while ((f = mysql_fetch_field(r)))
		printf("  column %s %s %s %s %s type %d length %lu max %lu flags %u decimals %u %s\n", f->name, f->org_name, f->table, f->org_table, f->db, f->type, f->length,
			f->max_length, f->flags, f->decimals, f->charsetnr == 63 ? "binary" : "text");
}

static void show_rows(MYSQL_RES *r) {
	MYSQL_ROW row;
	unsigned n = mysql_num_fields(r);
	while ((row = mysql_fetch_row(r))) {
		unsigned long *lengths = mysql_fetch_lengths(r);
		printf("  row");
		for (unsigned i = 0; i < n; i++) {
			if (!row[i]) {
				printf(" NULL");
				continue;
			}
			printf(" %lu:", lengths[i]);
			for (unsigned long j = 0; j < lengths[i] && j < 40; j++) {
				unsigned char c = row[i][j];
				if (c < 32 || c == 127)
					printf("\\%02x", c);
				else
					putchar(c);
			}
		}
		putchar('\n');
	}
}

static void query(MYSQL *m, const char *sql, bool store) {
	printf("%s\n", sql);
	int status = mysql_real_query(m, sql, strlen(sql));
	do {
		if (status) {
			printf("  error %u %s %s\n", mysql_errno(m), mysql_sqlstate(m), mysql_error(m));
			return;
		}
		MYSQL_RES *r = store ? mysql_store_result(m) : mysql_use_result(m);
		if (r) {
			columns(r);
			if (store)
				printf("  %llu rows\n", (unsigned long long)mysql_num_rows(r));
			show_rows(r);
			mysql_free_result(r);
		} else if (mysql_field_count(m) == 0) {
			printf("  affected %llu id %llu warnings %u info %s\n", (unsigned long long)mysql_affected_rows(m), (unsigned long long)mysql_insert_id(m), mysql_warning_count(m),
				mysql_info(m) ? mysql_info(m) : "-");
		} else {
			printf("  error %u %s %s\n", mysql_errno(m), mysql_sqlstate(m), mysql_error(m));
		}
		status = mysql_next_result(m);
		if (status > 0)
			continue;
	} while (status >= 0);
}

static void stmt_failed(MYSQL_STMT *s) { printf("  statement error %u %s %s\n", mysql_stmt_errno(s), mysql_stmt_sqlstate(s), mysql_stmt_error(s)); }

static void bind(MYSQL_BIND *b, enum enum_field_types type, void *buffer, unsigned long length, my_bool *null) {
	memset(b, 0, sizeof *b);
	b->buffer_type = type;
	b->buffer = buffer;
	b->buffer_length = length;
	b->length_value = length;
	b->is_null = null;
}

static void prepared(MYSQL *m) {
	MYSQL_STMT *s = mysql_stmt_init(m);
	const char *sql = "INSERT INTO kinds (id, l, d, s, b, dt, t) VALUES (?, ?, ?, ?, ?, ?, ?)";
	if (mysql_stmt_prepare(s, sql, strlen(sql)))
		stmt_failed(s);
	printf("prepared: %lu parameters, %u columns\n", mysql_stmt_param_count(s), mysql_stmt_field_count(s));
	int id;
	long long l;
	double d;
	char text[32];
	MYSQL_TIME when = {.year = 2024, .month = 2, .day = 29, .hour = 1, .minute = 2, .second = 3, .second_part = 456789, .time_type = MYSQL_TIMESTAMP_DATETIME};
	MYSQL_TIME span = {.hour = 30, .minute = 1, .neg = 1, .time_type = MYSQL_TIMESTAMP_TIME};
	my_bool null = 0;
	MYSQL_BIND in[7];
	bind(&in[0], MYSQL_TYPE_LONG, &id, 0, NULL);
	bind(&in[1], MYSQL_TYPE_LONGLONG, &l, 0, &null);
	in[1].is_unsigned = 1;
	bind(&in[2], MYSQL_TYPE_DOUBLE, &d, 0, &null);
	bind(&in[3], MYSQL_TYPE_STRING, text, 0, &null);
	bind(&in[4], MYSQL_TYPE_BLOB, NULL, 0, NULL);
	bind(&in[5], MYSQL_TYPE_DATETIME, &when, sizeof when, &null);
	bind(&in[6], MYSQL_TYPE_TIME, &span, sizeof span, &null);
	for (id = 10; id < 14; id++) {
		l = -id;
		d = id / 8.0;
		null = id == 12;
		in[3].buffer_length = (unsigned long)sprintf(text, "row %d ü'\\", id);
		in[3].length_value = in[3].buffer_length;
		mysql_stmt_bind_param(s, in);
		if (id == 11) // in pieces, of which one is empty
			for (int i = 0; i < 4; i++)
				mysql_stmt_send_long_data(s, 4, "piece\0'\\x", i == 2 ? 0 : 9);
		if (mysql_stmt_execute(s))
			stmt_failed(s);
		printf("executed: affected %llu id %llu\n", (unsigned long long)mysql_stmt_affected_rows(s), (unsigned long long)mysql_stmt_insert_id(s));
	}
	id = 10;
	mysql_stmt_bind_param(s, in);
	if (mysql_stmt_execute(s))
		stmt_failed(s);
	mysql_stmt_close(s);

	s = mysql_stmt_init(m);
	sql = "SELECT id, l, d, s, b, dt, t FROM kinds WHERE id >= ? ORDER BY id";
	mysql_stmt_prepare(s, sql, strlen(sql));
	MYSQL_RES *meta = mysql_stmt_result_metadata(s);
	columns(meta);
	mysql_free_result(meta);
	for (int from = 10; from < 13; from += 2) {
		MYSQL_BIND p[1], out[7];
		bind(&p[0], MYSQL_TYPE_LONG, &from, 0, NULL);
		mysql_stmt_bind_param(s, p);
		char b[16];
		my_bool nulls[7] = {0}, errors[7] = {0};
		unsigned long lengths[7];
		unsigned long long ul;
		MYSQL_TIME at, ti;
		bind(&out[0], MYSQL_TYPE_LONG, &id, 0, &nulls[0]);
		bind(&out[1], MYSQL_TYPE_LONGLONG, &ul, 0, &nulls[1]);
		out[1].is_unsigned = 1;
		bind(&out[2], MYSQL_TYPE_DOUBLE, &d, 0, &nulls[2]);
		bind(&out[3], MYSQL_TYPE_STRING, text, sizeof text, &nulls[3]);
		bind(&out[4], MYSQL_TYPE_BLOB, b, sizeof b, &nulls[4]);
		bind(&out[5], MYSQL_TYPE_DATETIME, &at, sizeof at, &nulls[5]);
		bind(&out[6], MYSQL_TYPE_TIME, &ti, sizeof ti, &nulls[6]);
		for (int i = 0; i < 7; i++) {
			out[i].length = &lengths[i];
			out[i].error = &errors[i];
		}
		if (mysql_stmt_execute(s) || mysql_stmt_bind_result(s, out))
			stmt_failed(s);
		if (from == 12)
			printf("stored: %d, %llu rows\n", mysql_stmt_store_result(s), (unsigned long long)mysql_stmt_num_rows(s));
		int got;
		memset(errors, 0, sizeof errors);
		while ((got = mysql_stmt_fetch(s)) != MYSQL_NO_DATA) {
			if (got == 1) {
				stmt_failed(s);
				break;
			}
			printf("fetched %d: id %d l %s%llu d %g s %.*s b %lu%s", got, id, nulls[1] ? "null " : "", nulls[1] ? 0 : ul, nulls[2] ? 0 : d, nulls[3] ? 4 : (int)lengths[3], nulls[3] ? "null" : text,
				nulls[4] ? 0 : lengths[4], errors[4] ? " cut" : "");
			if (!nulls[5])
				printf(" at %u-%u-%u %u:%u:%u.%lu time %s%u:%u:%u", at.year, at.month, at.day, at.hour, at.minute, at.second, at.second_part, ti.neg ? "-" : "", ti.hour, ti.minute, ti.second);
			putchar('\n');
			if (errors[4]) {
				char rest[16];
				MYSQL_BIND more;
				bind(&more, MYSQL_TYPE_BLOB, rest, sizeof rest, &nulls[4]);
				more.length = &lengths[4];
				mysql_stmt_fetch_column(s, &more, 4, 18);
				printf("  from byte 18: %.5s\n", rest);
			}
		}
		mysql_stmt_free_result(s);
	}
	mysql_stmt_reset(s);
	mysql_stmt_close(s);
	s = mysql_stmt_init(m);
	if (mysql_stmt_prepare(s, "SELECT nothing FROM kinds", 25))
		stmt_failed(s);
	if (mysql_stmt_execute(s))
		stmt_failed(s);
	mysql_stmt_close(s);
	s = mysql_stmt_init(m);
	if (mysql_stmt_prepare(s, "CALL p(?, 7)", 12))
		stmt_failed(s);
	MYSQL_BIND p[1];
	bind(&p[0], MYSQL_TYPE_LONG, &id, 0, NULL);
	id = 3;
	mysql_stmt_bind_param(s, p);
	if (mysql_stmt_execute(s))
		stmt_failed(s);
	do {
		unsigned n = mysql_stmt_field_count(s);
		printf("prepared call: %u columns", n);
		if (n > 0) {
			MYSQL_BIND out[4];
			int v[4] = {0};
			for (unsigned i = 0; i < n; i++)
				bind(&out[i], MYSQL_TYPE_LONG, &v[i], 0, NULL);
			mysql_stmt_bind_result(s, out);
			while (mysql_stmt_fetch(s) == 0)
				printf(" (%d %d)", v[0], v[1]);
			mysql_stmt_free_result(s);
		}
		putchar('\n');
	} while (mysql_stmt_next_result(s) == 0);
	mysql_stmt_close(s);
}

int main(int argc, char **argv) {
	if (argc != 6)
		return 2;
	host = argv[1], port = (unsigned)atoi(argv[2]), user = argv[3], password = argv[4], database = argv[5];
	mysql_library_init(0, NULL, NULL);
	MYSQL *m = connect_with("utf8mb4", CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS | CLIENT_PS_MULTI_RESULTS);
	printf("driver: libmariadb %s\nserver: %s %lu protocol %u charset %s\n", mysql_get_client_info(), mysql_get_server_info(m), mysql_get_server_version(m), mysql_get_proto_info(m), mysql_character_set_name(m));
	query(m, "CREATE TABLE kinds (id INT PRIMARY KEY, l BIGINT UNSIGNED, d DOUBLE, s VARCHAR(40), b BLOB, dt DATETIME(6), t TIME, e ENUM('a','b'), y YEAR, bi BIT(9), de DECIMAL(9,3))", true);
	query(m, "INSERT INTO kinds VALUES (1, 18446744073709551615, 0.1, 'it''s', x'0001ff', '2024-02-29 1:2:3.4', '-1:0:0', 'b', 1999, b'101', 1.5), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 0, 0, '', '', '1000-01-01', 0, 'a', 2000, 0, 0)", true);
	query(m, "CREATE PROCEDURE p(a INT, b INT) BEGIN SELECT a, b; SELECT a * b; END", true);
	query(m, "SELECT * FROM kinds ORDER BY id", true);
	query(m, "SELECT * FROM kinds WHERE id = 1", false);
	query(m, "SELECT k.s AS alias, COUNT(*), MAX(d), k.id + 1 FROM kinds k WHERE id = 3 GROUP BY k.id", true);
	query(m, "SELECT COUNT(*), SUM(de), MIN(s), MAX(dt) FROM kinds", false);
	query(m, "SELECT 1; UPDATE kinds SET y = 2001 WHERE id < 3; SELECT id FROM kinds ORDER BY id DESC LIMIT 1; SELECT nothing; SELECT 2", true);
	query(m, "CALL p(2, 3); SELECT 'after'", true);
	prepared(m);
	query(m, "DROP PROCEDURE p", true);
	query(m, "SELECT @greeting, LAST_INSERT_ID(), ROW_COUNT()", true);
	printf("autocommit off %d\n", mysql_autocommit(m, 0));
	query(m, "DELETE FROM kinds WHERE id > 1", true);
	printf("rollback %d\n", mysql_rollback(m));
	query(m, "UPDATE kinds SET s = 'new' WHERE id IN (1, 2)", true);
	printf("commit %d autocommit on %d\n", mysql_commit(m), mysql_autocommit(m, 1));
	query(m, "SELECT id, s FROM kinds ORDER BY id", true);
	MYSQL_RES *r = mysql_list_fields(m, "kinds", "d%");
	if (r) {
		columns(r);
		mysql_free_result(r);
	} else
		printf("list_fields: %u %s\n", mysql_errno(m), mysql_error(m));
	r = mysql_list_tables(m, "k%");
	show_rows(r);
	mysql_free_result(r);
	char escaped[64];
	escaped[mysql_real_escape_string(m, escaped, "it's \\ \"x\"\n", 11)] = 0;
	printf("escaped %s\n", escaped);
	printf("ping %d select_db %d\n", mysql_ping(m), mysql_select_db(m, database));
	int code = mysql_select_db(m, "nowhere");
	printf("select_db %d: %u %s %s\n", code, mysql_errno(m), mysql_sqlstate(m), mysql_error(m));
	printf("set option %d\n", mysql_set_server_option(m, MYSQL_OPTION_MULTI_STATEMENTS_OFF));
	code = mysql_query(m, "SELECT 1; SELECT 2");
	printf("one at a time %d: %u %s\n", code, mysql_errno(m), mysql_sqlstate(m));
	printf("change_user %d\n", mysql_change_user(m, user, password, database));
	query(m, "SELECT @greeting IS NULL, DATABASE() IS NOT NULL", true);
	printf("reset %d\n", mysql_reset_connection(m));
	query(m, "SELECT @greeting IS NULL", true);
	printf("charset %d %s\n", mysql_set_character_set(m, "latin1"), mysql_character_set_name(m));
	query(m, "SELECT HEX(CONVERT(s USING utf8mb4)), LENGTH('\xe9') FROM kinds WHERE id = 1", true);
	query(m, "DROP TABLE IF EXISTS nothing", true);
	query(m, "SHOW WARNINGS", true);
	query(m, "INSERT INTO kinds (id) VALUES (1)", true);
	printf("%.6s\n", mysql_stat(m));
	mysql_close(m);
	mysql_library_end();
	puts("end");
	return 0;
}
