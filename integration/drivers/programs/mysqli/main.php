<?php
// What mysqli is known for: mysqlnd's prepared statements (bind_param, bind_result, send_long_data), multi_query,
// stored and used results, warnings, change_user and error reports as exceptions.
[, $host, $port, $user, $password, $database] = $argv;
ini_set('precision', '17');
ini_set('mysqlnd.net_read_timeout', '30');
mysqli_report(MYSQLI_REPORT_OFF);

function say(string $step, ...$what): void
{
    echo $step, ': ', implode(' ', array_map(fn ($w) => is_string($w) ? $w : json_encode($w, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION | JSON_INVALID_UTF8_SUBSTITUTE), $what)), "\n";
}

function shape(mysqli_result $r): array
{
    return array_map(fn ($f) => [$f->name, $f->orgname, $f->table, $f->orgtable, $f->db, $f->type, $f->length, $f->flags, $f->decimals, $f->charsetnr], $r->fetch_fields());
}

function connect(string $charset = 'utf8mb4', int $flags = 0): mysqli
{
    global $host, $port, $user, $password, $database;
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_CONNECT_TIMEOUT, 5);
    if (!$db->real_connect($host, $user, $password, $database, (int) $port, null, $flags)) {
        say('connect', $db->connect_errno, $db->connect_error);
        exit(1);
    }
    $db->set_charset($charset);
    return $db;
}

function run(mysqli $db, string $step, string $sql): void
{
    $r = $db->query($sql);
    if ($r instanceof mysqli_result) {
        say($step, $r->num_rows, $r->fetch_all(MYSQLI_ASSOC));
    } elseif ($r) {
        say($step, 'affected', $db->affected_rows, 'id', $db->insert_id, 'warnings', $db->warning_count, 'info', $db->info);
    } else {
        say($step, 'error', $db->errno, $db->sqlstate, $db->error);
    }
}

$db = connect();
say('driver', 'mysqli', PHP_VERSION);
say('server', $db->server_info, $db->server_version, $db->protocol_version);
say('charset', $db->character_set_name(), $db->get_charset()->collation ?? '');

run($db, 'create', "CREATE TABLE kinds (id INT PRIMARY KEY, ti TINYINT, bu BIGINT UNSIGNED, d DECIMAL(12,4), f FLOAT, o DOUBLE, s VARCHAR(40),
    t TEXT, b LONGBLOB, dt DATETIME(6), da DATE, tm TIME, y YEAR, bi BIT(10), j JSON, e ENUM('one','two'))");
run($db, 'insert', "INSERT INTO kinds VALUES (1, -1, 18446744073709551615, 1.5, 0.25, 1e100, 'it''s', 'ü', x'00ff27', '2024-02-29 12:34:56.123456', '2024-02-29', '-01:02:03', 2024, b'1000000001', '[1]', 'two'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, 3, 3, 3, 3, 3, '3', '3', '3', '2003-03-03', '2003-03-03', '3:0:0', 2003, 3, '3', 'one')");
run($db, 'select', 'SELECT * FROM kinds WHERE id = 1');
$r = $db->query('SELECT * FROM kinds ORDER BY id');
foreach (shape($r) as $f) {
    say('column', $f);
}
say('lengths', $r->fetch_row() ? $r->lengths : null);
$r->data_seek(2);
say('seek', $r->fetch_row()[0], $r->num_rows);
$db->options(MYSQLI_OPT_INT_AND_FLOAT_NATIVE, true);
run($db, 'native', 'SELECT id, ti, bu, d, f, o, y FROM kinds ORDER BY id');
$db->options(MYSQLI_OPT_INT_AND_FLOAT_NATIVE, false);

// prepared statements
$st = $db->prepare('INSERT INTO kinds (id, ti, bu, d, f, s, b, dt, bi) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
say('prepare', $st->param_count, $st->field_count);
$ti = $bu = $d = $f = $s = $b = $dt = $bi = null;
$id = 10;
$st->bind_param('iiisdsbsi', $id, $ti, $bu, $d, $f, $s, $b, $dt, $bi);
foreach ([[10, 1, 2, '3.25', 0.5, 'ü€😀', null, '2024-01-01 00:00:01', 5], [11, null, null, null, null, null, null, null, null], [12, -128, PHP_INT_MAX, '-99999999.9999', -1.5, "it's \0 \\", null, '1000-01-01', 1023]] as $row) {
    [$id, $ti, $bu, $d, $f, $s, $b, $dt, $bi] = $row;
    if ($id == 10) {
        for ($i = 0; $i < 5; $i++) {
            $st->send_long_data(6, str_repeat(chr($i), 70000));
        }
    }
    say('execute', $st->execute(), $st->affected_rows, $st->errno, $st->sqlstate, $st->error);
}
$id = 12;
say('duplicate', $st->execute(), $st->errno, $st->sqlstate, $st->error);
say('errors', $st->error_list);
$st->close();
$st = $db->prepare('SELECT * FROM kinds WHERE id IN (?, ?, ?) ORDER BY id');
say('execute with array', $st->execute([1, 10, 12]));
$r = $st->get_result();
foreach (shape($r) as $f) {
    say('column', $f);
}
while ($row = $r->fetch_assoc()) {
    $row['b'] = md5($row['b'] ?? '');
    say('row', $row);
}
$st = $db->prepare('SELECT s, LENGTH(b), d * ? FROM kinds WHERE id = ?');
$st->bind_param('di', $factor, $id);
$st->bind_result($s, $n, $x);
foreach ([[2.5, 10], [1, 11], [-1, 12], [0, 99]] as [$factor, $id]) {
    $st->execute();
    $st->store_result();
    say('bind_result', $st->num_rows, $st->fetch(), $s, $n, $x);
    $st->free_result();
}
$factor = '1.25';
$st->bind_param('ss', $factor, $id);
$id = '10';
say('types change', $st->execute(), $st->fetch(), $s, $n, $x);
$st->reset();
$st->close();
$st = $db->prepare('SELECT nothing FROM kinds WHERE id = ?');
say('prepare fails', $st, $db->errno, $db->sqlstate, $db->error);
$st = $db->prepare('SELECT id FROM kinds WHERE id > ? ORDER BY id LIMIT ?');
$st->execute([0, 2]);
say('limit', $st->get_result()->fetch_all());
$st->execute([2, 3]);
say('limit', $st->get_result()->fetch_all());
$meta = $st->result_metadata();
say('metadata', shape($meta), $st->insert_id);
// a server-side cursor, read a row at a time
$st = $db->prepare('SELECT id FROM kinds ORDER BY id');
$st->attr_set(MYSQLI_STMT_ATTR_UPDATE_MAX_LENGTH, 1);
$st->execute();
$st->bind_result($id);
for ($ids = []; $st->fetch(); $ids[] = $id);
say('unbuffered prepared', $ids);
$st->close();
say('execute_query', $db->execute_query('SELECT ? + 1, CONCAT(?, ?)', [41, 'a', null])->fetch_row());

// results
$r = $db->query('SELECT id, s FROM kinds ORDER BY id DESC', MYSQLI_USE_RESULT);
say('use_result', $r->fetch_row(), $r->num_rows);
say('out of sync', $db->query('SELECT 1'), $db->errno, $db->sqlstate);
$r->free();
run($db, 'in sync', 'SELECT 1 AS one');
say('multi_query', $db->multi_query("SELECT 1; INSERT INTO kinds (id) VALUES (20), (21); UPDATE kinds SET ti = 9 WHERE id >= 20; SELECT COUNT(*) FROM kinds; DELETE FROM kinds WHERE id >= 20; SELECT nothing; SELECT 7"));
do {
    $r = $db->store_result();
    say('  result', $r ? $r->fetch_all() : [$db->affected_rows, $db->errno, $db->error], $db->more_results());
} while ($db->next_result());
say('  end', $db->errno, $db->sqlstate, $db->error);

// ids and what changes
run($db, 'table', 'CREATE TABLE ids (id INT NOT NULL AUTO_INCREMENT, name VARCHAR(10) NOT NULL, n INT DEFAULT 5, PRIMARY KEY (id))');
run($db, 'insert', "INSERT INTO ids (name) VALUES ('a')");
run($db, 'insert', "INSERT INTO ids (name) VALUES ('b'), ('c'), ('d')");
run($db, 'own id', "INSERT INTO ids (id, name) VALUES (100, 'h')");
run($db, 'next id', "INSERT INTO ids (name) VALUES ('i')");
run($db, 'update', "UPDATE ids SET n = 6 WHERE id < 3");
run($db, 'update again', "UPDATE ids SET n = 6");
run($db, 'replace', "REPLACE INTO ids (id, name) VALUES (1, 'r'), (2, 's')");
run($db, 'upsert', "INSERT INTO ids (id, name) VALUES (1, 'u'), (9, 'u') ON DUPLICATE KEY UPDATE name = VALUES(name)");
run($db, 'ignore', "INSERT IGNORE INTO ids (id, name) VALUES (1, 'x'), (2, 'x'), (8, 'x')");
run($db, 'warnings', 'SHOW WARNINGS');
$w = $db->query("SET sql_mode = ''") ? $db->query("INSERT INTO ids (name) VALUES ('much too long for it')") : null;
for ($w = $db->get_warnings(); $w; $w = $w->next() ? $w : null) {
    say('  warning', $w->errno, $w->sqlstate, $w->message);
}
run($db, 'all', 'SELECT * FROM ids ORDER BY id');
run($db, 'strict again', 'SET sql_mode = DEFAULT');
run($db, 'delete', 'DELETE FROM ids WHERE id > 50');
run($db, 'truncate', 'TRUNCATE TABLE ids');

// errors
run($db, 'duplicate', "INSERT INTO kinds (id) VALUES (1)");
run($db, 'no table', 'SELECT * FROM nothing');
run($db, 'no default', 'INSERT INTO ids (n) VALUES (1)');
run($db, 'bad value', "INSERT INTO kinds (id, d) VALUES (77, 'abc')");
run($db, 'enum', "INSERT INTO kinds (id, e) VALUES (77, 'three')");
run($db, 'json', "INSERT INTO kinds (id, j) VALUES (77, '{')");
run($db, 'drop', 'DROP TABLE nothing');
run($db, 'division', "SELECT 1 DIV 0");
run($db, 'subquery', 'SELECT (SELECT 1 UNION SELECT 2)');
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
try {
    $db->query('SELECT * FROM kinds WHERE');
} catch (mysqli_sql_exception $e) {
    say('exception', get_class($e), $e->getCode(), $e->getSqlState());
}
mysqli_report(MYSQLI_REPORT_OFF);

// transactions
say('begin', $db->begin_transaction(MYSQLI_TRANS_START_READ_WRITE));
run($db, 'insert', "INSERT INTO ids (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')");
say('savepoint', $db->savepoint('sp'));
run($db, 'update', "UPDATE ids SET n = 0");
$db->query('ROLLBACK TO sp');
say('release', $db->release_savepoint('sp'));
run($db, 'in it', 'SELECT id, n FROM ids ORDER BY id');
say('commit', $db->commit());
say('autocommit off', $db->autocommit(false));
run($db, 'delete', 'DELETE FROM ids');
say('rollback', $db->rollback());
run($db, 'back', 'SELECT COUNT(*) AS n FROM ids');
$db->autocommit(true);
$db->begin_transaction(MYSQLI_TRANS_START_READ_ONLY);
run($db, 'read only', 'DELETE FROM ids WHERE id = 1');
$db->commit();
run($db, 'chain', 'BEGIN');
run($db, 'chain', 'COMMIT AND CHAIN');
run($db, 'in chain', 'UPDATE ids SET n = 7 WHERE id = 1');
run($db, 'rollback', 'ROLLBACK');
run($db, 'n', 'SELECT n FROM ids WHERE id = 1');

// the session
run($db, 'set', "SET @a = 5, @b = 'ü'");
run($db, 'user variables', 'SELECT @a + 1 AS a, @b AS b, @none AS c');
say('ping', @$db->ping());
$thread = $db->thread_id;
say('change_user', $db->change_user($user, $password, $database), $db->thread_id === $thread);
run($db, 'forgotten', 'SELECT @a, @b, DATABASE() AS d');
say('wrong user', $db->change_user('nobody', 'x', $database), $db->errno);
$db = connect('latin1');
run($db, 'latin1', 'SELECT HEX(s) AS h, LENGTH(s) AS l FROM kinds WHERE id = 10');
say('latin1 bytes', bin2hex($db->query('SELECT s FROM kinds WHERE id = 10')->fetch_row()[0]));
$st = $db->prepare('SELECT id FROM kinds WHERE t = ?');
$st->execute(["\xfc"]);
say('latin1 parameter', $st->get_result()->fetch_all());
say('escape', bin2hex($db->real_escape_string("a'\"\\\0\n\xfc")));
$db = connect('utf8mb4', MYSQLI_CLIENT_FOUND_ROWS);
run($db, 'found rows', 'UPDATE ids SET n = n');
run($db, 'procedure', 'CREATE PROCEDURE p(a INT, OUT b INT) BEGIN SET b = a + 1; SELECT a AS a; SELECT b AS b; END');
$db->multi_query('CALL p(3, @out); SELECT @out AS o');
do {
    if ($r = $db->store_result()) {
        say('  result', $r->fetch_all(MYSQLI_ASSOC));
    }
} while ($db->next_result());
$st = $db->prepare('CALL p(?, @out)');
$st->execute([10]);
do {
    if ($r = $st->get_result()) {
        say('  prepared call', $r->fetch_all(MYSQLI_ASSOC));
    }
} while ($st->next_result());
$st->close();
run($db, 'out', 'SELECT @out AS o');
run($db, 'drop', 'DROP PROCEDURE p');

// asynchronous, on two connections
$links = [connect(), connect()];
foreach ($links as $i => $l) {
    $l->query("SELECT $i + 1 AS n, COUNT(*) AS c FROM kinds", MYSQLI_ASYNC);
}
$got = [];
while (count($got) < 2) {
    $read = $error = $reject = $links;
    if (mysqli_poll($read, $error, $reject, 5)) {
        foreach ($read as $l) {
            $got[] = $l->reap_async_query()->fetch_assoc();
        }
    }
    $links = array_filter($links, fn ($l) => !in_array($l, $read, true));
}
sort($got);
say('asynchronous', $got);

// what phpMyAdmin and others ask
foreach (['SHOW TABLES', 'SHOW FULL FIELDS FROM ids', 'SHOW CREATE TABLE kinds', 'SELECT @@lower_case_table_names AS l, @@version_comment IS NULL AS v', 'SHOW COLLATION LIKE \'utf8mb4_bin\'', 'SHOW ENGINES LIKE \'x\'',
    "SELECT COLUMN_NAME AS c, COLUMN_TYPE AS t, IS_NULLABLE AS n FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '$database' AND TABLE_NAME = 'ids' ORDER BY ORDINAL_POSITION"] as $q) {
    run($db, $q, $q);
}
say('stat', strtok($db->stat() ?: '', ':'));
say('kill', $links === [] && $db->close());
echo "end\n";
