<?php
// What PDO is known for: prepared statements that it emulates or has the server prepare, fetch modes, unbuffered
// queries, rowsets, SQLSTATE in exceptions, and transactions that it counts itself.
[, $host, $port, $user, $password, $database] = $argv;

function say(string $step, ...$what): void
{
    echo $step, ': ', implode(' ', array_map(fn ($w) => is_string($w) ? $w : json_encode($w, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION | JSON_INVALID_UTF8_SUBSTITUTE), $what)), "\n";
}

function connect(array $options = [], string $more = ';charset=utf8mb4'): PDO
{
    global $host, $port, $user, $password, $database;
    return new PDO("mysql:host=$host;port=$port;dbname=$database$more", $user, $password, $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_NUM]);
}

function fails(string $step, callable $f): void
{
    try {
        say($step, 'no error', $f());
    } catch (PDOException $e) {
        say($step, $e->getCode(), $e->errorInfo ?? $e->getMessage());
    }
}

$native = connect([PDO::ATTR_EMULATE_PREPARES => false, PDO::ATTR_STRINGIFY_FETCHES => false]);
$emulated = connect([PDO::ATTR_EMULATE_PREPARES => true]);
say('driver', 'PDO', PHP_VERSION, $native->getAttribute(PDO::ATTR_DRIVER_NAME));
say('server', $native->getAttribute(PDO::ATTR_SERVER_VERSION));

say('create', $native->exec("CREATE TABLE kinds (id INT PRIMARY KEY, n BIGINT, u INT UNSIGNED, d DECIMAL(10,3), f DOUBLE, s VARCHAR(50), x TEXT, b BLOB, t DATETIME(3), da DATE, bo BOOL, bi BIT(3), j JSON, e ENUM('a','b'))"));
foreach (['native' => $native, 'emulated' => $emulated] as $mode => $db) {
    $db->beginTransaction();
    $st = $db->prepare('INSERT INTO kinds VALUES (:id, :n, :u, :d, :f, :s, :x, :b, :t, :da, :bo, :bi, :j, :e)');
    $first = $mode === 'native' ? 1 : 11;
    $stream = fopen('php://memory', 'r+');
    fwrite($stream, str_repeat("\0'\\\xff", 1000));
    rewind($stream);
    foreach ([
        [$first, PHP_INT_MIN, 4294967295, '1234567.891', 0.1, "it's \\ \"ü😀\"", 'text', $stream, '2024-02-29 23:59:59.999', '2024-02-29', true, 5, '{"a":1}', 'a'],
        [$first + 1, null, null, null, null, null, null, null, null, null, null, null, null, null],
        [$first + 2, 0, 0, '0', 0.0, '', '', '', '1000-01-01', '1000-01-01', false, 0, '[]', 'b'],
    ] as $row) {
        foreach (['id', 'n', 'u', 'd', 'f', 's', 'x', 'b', 't', 'da', 'bo', 'bi', 'j', 'e'] as $i => $name) {
            $v = $row[$i];
            $st->bindValue(":$name", $v, match (true) {
                is_int($v) => PDO::PARAM_INT, is_bool($v) => PDO::PARAM_BOOL, $v === null => PDO::PARAM_NULL, is_resource($v) => PDO::PARAM_LOB, default => PDO::PARAM_STR,
            });
        }
        say("$mode insert", $st->execute(), $st->rowCount());
    }
    $db->commit();
    $st = $db->prepare('SELECT * FROM kinds WHERE id >= ? ORDER BY id');
    $st->execute([$first]);
    for ($i = 0; $i < $st->columnCount(); $i++) {
        say("$mode column", array_diff_key($st->getColumnMeta($i), []));
    }
    foreach ($st as $row) {
        $row[7] = md5($row[7] ?? '');
        say("$mode row", $row);
    }
    $st = $db->prepare('SELECT s, ?, ? + 1 FROM kinds WHERE id = ?');
    foreach ([[1, 2, $first], ['x', '3', $first + 2], [null, 1.5, $first + 1]] as $args) {
        $st->execute($args);
        say("$mode again", $st->fetchAll());
    }
    $st = $db->prepare('SELECT id FROM kinds WHERE id > :from ORDER BY id LIMIT :n OFFSET :skip');
    $st->bindValue('from', 0, PDO::PARAM_INT);
    $st->bindValue('n', 2, PDO::PARAM_INT);
    $st->bindParam('skip', $skip, PDO::PARAM_INT);
    for ($skip = 0; $skip < 4; $skip += 2) {
        $st->execute();
        say("$mode page", $st->fetchAll(PDO::FETCH_COLUMN));
    }
    fails("$mode duplicate", fn () => $db->prepare('INSERT INTO kinds (id) VALUES (?)')->execute([1]));
    fails("$mode too few", fn () => $db->prepare('SELECT ?, ?')->execute([1]));
    fails("$mode no column", fn () => $db->prepare('SELECT nothing FROM kinds WHERE id = ?')->execute([1]));
    fails("$mode out of range", fn () => $db->prepare('UPDATE kinds SET u = ? WHERE id = 1')->execute([-1]));
    fails("$mode deadlock victim's error", fn () => $db->exec("DO (SELECT 1 FROM nothing)"));
}

// fetch modes
class Kind
{
    public int $id;
    public ?string $s;
}
$q = fn (string $sql) => $native->query($sql);
say('assoc', $q('SELECT id, s AS name FROM kinds WHERE id < 3 ORDER BY id')->fetchAll(PDO::FETCH_ASSOC));
say('class', $q('SELECT id, s FROM kinds WHERE id IN (1, 2) ORDER BY id')->fetchAll(PDO::FETCH_CLASS, Kind::class));
say('key pair', $q('SELECT id, e FROM kinds ORDER BY id DESC')->fetchAll(PDO::FETCH_KEY_PAIR));
say('group', $q('SELECT e, COUNT(*), SUM(n) FROM kinds GROUP BY e ORDER BY e')->fetchAll(PDO::FETCH_GROUP | PDO::FETCH_NUM));
say('column', $q('SELECT COUNT(*) FROM kinds')->fetchColumn(), $q('SELECT MAX(t) FROM kinds')->fetchColumn());
$st = $q('SELECT id, f FROM kinds WHERE id = 1');
$st->bindColumn('f', $f, PDO::PARAM_STR);
$st->fetch(PDO::FETCH_BOUND);
say('bound', $f);
say('quote', $native->quote("it's \\ \0 ü"), $native->quote('n', PDO::PARAM_STR_NATL));

// unbuffered
$un = connect([PDO::MYSQL_ATTR_USE_BUFFERED_QUERY => false, PDO::ATTR_EMULATE_PREPARES => false]);
$st = $un->query('SELECT id FROM kinds ORDER BY id');
say('unbuffered', $st->fetch(), $st->rowCount());
fails('busy', fn () => $un->query('SELECT 1'));
$st->closeCursor();
say('free', $un->query('SELECT 1')->fetchAll());
$st = $un->prepare('SELECT id FROM kinds WHERE id > ? ORDER BY id');
$st->execute([2]);
say('unbuffered prepared', $st->fetchAll(PDO::FETCH_COLUMN));

// several results
$st = $emulated->query("SELECT 1 AS a; UPDATE kinds SET x = 'new' WHERE id IN (1, 3, 11); SELECT id, x FROM kinds WHERE x = 'new' ORDER BY id");
do {
    say('rowset', $st->columnCount(), $st->rowCount(), $st->columnCount() ? $st->fetchAll() : null);
} while ($st->nextRowset());
fails('second statement', function () use ($emulated) {
    $st = $emulated->query('SELECT 1; SELECT nothing');
    $st->nextRowset();
});
$single = connect([PDO::MYSQL_ATTR_MULTI_STATEMENTS => false]);
try {
    $single->query('SELECT 1; SELECT 2');
} catch (PDOException $e) {
    say('one at a time', $e->getCode(), $e->errorInfo[1]);
}

// ids
$native->exec('CREATE TABLE ids (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(10) UNIQUE NOT NULL)');
$st = $native->prepare('INSERT INTO ids (name) VALUES (?)');
foreach (['a', 'b'] as $name) {
    $st->execute([$name]);
    say('lastInsertId', $native->lastInsertId());
}
say('exec', $native->exec("INSERT INTO ids (name) VALUES ('c'), ('d'), ('e')"), $native->lastInsertId());
say('upsert', $native->exec("INSERT INTO ids (id, name) VALUES (1, 'a2') ON DUPLICATE KEY UPDATE name = VALUES(name)"), $native->lastInsertId());
say('delete', $native->exec('DELETE FROM ids WHERE id > 3'));
say('ids', $q('SELECT * FROM ids ORDER BY id')->fetchAll());

// transactions
say('begin', $native->beginTransaction(), $native->inTransaction());
$native->exec("UPDATE ids SET name = CONCAT(name, '!')");
say('rollBack', $native->rollBack(), $native->inTransaction());
fails('begin twice', function () use ($native) {
    $native->beginTransaction();
    $native->beginTransaction();
});
$native->exec("SAVEPOINT s1");
$native->exec("INSERT INTO ids (id, name) VALUES (50, 'fifty'), (51, 'more')");
$native->exec("ROLLBACK TO s1");
$native->commit();
say('after', $q('SELECT COUNT(*) FROM ids')->fetchColumn());
$native->beginTransaction();
$native->exec('CREATE TABLE implied (id INT PRIMARY KEY)');
say('implicit commit', $native->inTransaction());
fails('commit without one', fn () => $native->commit());
$native->setAttribute(PDO::ATTR_AUTOCOMMIT, 0);
say('autocommit', $native->getAttribute(PDO::ATTR_AUTOCOMMIT), $q('SELECT @@autocommit')->fetchColumn());
$native->exec("DELETE FROM ids");
say('in transaction', $native->inTransaction());
$native->rollBack();
$native->setAttribute(PDO::ATTR_AUTOCOMMIT, 1);
say('kept', $q('SELECT COUNT(*) FROM ids')->fetchColumn());

// deadlock: two connections, crosswise
$a = connect();
$b = connect();
$a->exec('SET SESSION innodb_lock_wait_timeout = 1');
$a->beginTransaction();
$b->beginTransaction();
$b->exec("UPDATE ids SET name = 'b' WHERE id = 2");
$a->exec("UPDATE ids SET name = 'a' WHERE id = 1");
fails('lock wait', fn () => $a->exec("UPDATE ids SET name = 'a' WHERE id = 2"));
$a->rollBack();
$b->rollBack();

// the session
$init = connect([PDO::MYSQL_ATTR_INIT_COMMAND => "SET @x = 'y', time_zone = '+02:00'", PDO::MYSQL_ATTR_FOUND_ROWS => true, PDO::ATTR_STRINGIFY_FETCHES => true]);
say('init command', $init->query('SELECT @x, @@time_zone, 1')->fetch());
say('found rows', $init->exec('UPDATE ids SET name = name'));
$latin = connect([], ';charset=latin1');
say('latin1', bin2hex($latin->query('SELECT s FROM kinds WHERE id = 1')->fetchColumn()), $latin->query("SELECT COLLATION('a')")->fetchColumn());
$persistent = connect([PDO::ATTR_PERSISTENT => true]);
$persistent->exec("SET @kept = 1");
$persistent = null;
say('persistent', connect([PDO::ATTR_PERSISTENT => true])->query('SELECT @kept')->fetchColumn());
fails('wrong password', fn () => new PDO("mysql:host=$host;port=$port", $user, 'wrong'));
fails('no database', fn () => new PDO("mysql:host=$host;port=$port;dbname=nowhere", $user, $password));

// procedures
$native->exec('CREATE PROCEDURE p(IN a INT, INOUT b INT) BEGIN SET b = a + b; SELECT a; SELECT b, 1; END');
$native->exec('SET @b = 4');
$st = $native->prepare('CALL p(?, @b)');
$st->execute([3]);
do {
    say('call', $st->columnCount() ? $st->fetchAll() : null);
} while ($st->nextRowset());
$st->closeCursor();
say('inout', $q('SELECT @b')->fetchColumn());
$native->exec('DROP PROCEDURE p');
echo "end\n";
