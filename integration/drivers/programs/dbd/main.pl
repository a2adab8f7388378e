# What Perl's DBI is known for, with DBD::mysql and with DBD::MariaDB: placeholders on the client and on the server,
# bind_columns, execute_array, last_insert_id, transactions by AutoCommit, row caches, several results, table_info.
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use Data::Dumper;

$Data::Dumper::Terse = $Data::Dumper::Sortkeys = $Data::Dumper::Useqq = 1;
$Data::Dumper::Indent = 0;
binmode STDOUT, ':encoding(UTF-8)';
$| = 1;

my ($host, $port, $user, $password, $database) = @ARGV;

sub say_it { my $step = shift; print "$step: ", join(' ', map { ref || !defined ? Dumper($_) : $_ } @_), "\n" }

for my $driver (qw(mysql MariaDB)) {
    my $p = lc $driver;
    my $connect = sub {
        my ($more, %attributes) = @_;
        return DBI->connect("dbi:$driver:database=$database;host=$host;port=$port" . ($more // ''), $user, $password,
            { RaiseError => 1, PrintError => 0, AutoCommit => 1, ($driver eq 'mysql' ? (mysql_enable_utf8mb4 => 1) : ()), %attributes });
    };
    my $fails = sub {
        my ($step, $f) = @_;
        my @r = eval { $f->() };
        say_it($step, $@ ? ($DBI::err, $DBI::state, $DBI::errstr) : ('no error', \@r));
    };
    my $db = $connect->();
    say_it('driver', "DBD::$driver", $db->{Driver}{Version});
    say_it('server', $db->get_info(18), $db->{"${p}_serverinfo"});
    $db->do('DROP TABLE IF EXISTS kinds');
    $db->do('DROP TABLE IF EXISTS ids');
    say_it('create', $db->do("CREATE TABLE kinds (id INT PRIMARY KEY, n BIGINT UNSIGNED, d DECIMAL(12,3), f DOUBLE, s VARCHAR(50), b BLOB, t DATETIME(3), e ENUM('x','y'), bi BIT(5), y YEAR)"));
    for my $server (0, 1) {
        my $c = $connect->(";${p}_server_prepare=$server");
        my $base = $server * 10;
        my $in = $c->prepare('INSERT INTO kinds (id, n, d, f, s, b, t, e, y) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
        my @rows = ([1, '18446744073709551615', '1234.567', 0.125, "it's \\ \"ü😀\"", "\x00'\\\xff", '2024-02-29 12:34:56.789', 'x', 2024],
            [2, (undef) x 8], [3, 0, 0, -0.5, '', '', '1000-01-01 00:00:00', 'y', 1999]);
        for my $r (@rows) {
            my @v = @$r;
            $v[0] += $base;
            for my $i (0 .. 8) {
                if ($i == 0) { $in->bind_param(1, $v[0], SQL_INTEGER) }
                elsif ($i == 5) { $in->bind_param(6, $v[5], SQL_BLOB) }
                else { $in->bind_param($i + 1, $v[$i]) }
            }
            say_it("insert $server", $in->execute);
        }
        for my $q ("SELECT * FROM kinds WHERE id > ? ORDER BY id", "SELECT * FROM kinds WHERE id = ? + 1") {
            my $out = $c->prepare($q);
            $out->execute($base);
            say_it("names $server", $out->{NAME}, $out->{NUM_OF_FIELDS}, $out->{TYPE}, $out->{PRECISION}, $out->{SCALE}, $out->{NULLABLE});
            say_it("driver's $server", $out->{"${p}_type_name"}, $out->{"${p}_length"}, $out->{"${p}_is_pri_key"}, $out->{"${p}_is_num"}, $out->{"${p}_is_blob"}, $out->{"${p}_table"});
            say_it("row $server", $_) for @{ $out->fetchall_arrayref };
            say_it("rows $server", $out->rows);
        }
        my $again = $c->prepare('SELECT s, ? FROM kinds WHERE id = ?');
        for my $v ([1, $base + 1], ['text', $base + 2], [undef, $base + 3], [1.5, 99]) {
            $again->execute(@$v);
            say_it("again $server", $again->fetchall_arrayref);
        }
        $fails->("duplicate $server", sub { $in->execute(1, (undef) x 8) });
        $fails->("no column $server", sub { $c->prepare('SELECT nothing FROM kinds WHERE id = ?')->execute(1) });
        $c->disconnect;
    }
    my $st = $db->prepare('SELECT id, s FROM kinds WHERE id < ? ORDER BY id DESC');
    $st->execute(10);
    $st->bind_columns(\my ($id, $s));
    while ($st->fetch) { say_it('bound', $id, $s) }
    say_it('hash', $db->selectall_hashref('SELECT id, e FROM kinds WHERE e IS NOT NULL', 'id'));
    say_it('columns', $db->selectcol_arrayref('SELECT id FROM kinds ORDER BY id'));
    say_it('row', $db->selectrow_array('SELECT COUNT(*), SUM(f), MAX(t), MIN(d) FROM kinds'));
    if ($driver eq 'mysql') { # the other one gives no rows then, from any server
    my $use = $db->prepare('SELECT id FROM kinds ORDER BY id', { "${p}_use_result" => 1 });
    $use->execute;
    my @first = $use->fetchrow_array;
    my $left = 0;
    $left++ while $use->fetchrow_array;
    say_it('use result', @first, $left);
    say_it('after it', $db->selectrow_array("SELECT 'ok'"));
    }

    $db->do('CREATE TABLE ids (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(5) NOT NULL, n INT)');
    $db->do("INSERT INTO ids (v) VALUES ('a')");
    say_it('last_insert_id', $db->last_insert_id(undef, undef, 'ids', 'id'), $db->{"${p}_insertid"});
    say_it('several', $db->do("INSERT INTO ids (v) VALUES ('b'), ('c'), ('d')"), $db->{"${p}_insertid"}, $db->{"${p}_info"});
    my $many = $db->prepare('INSERT INTO ids (id, v, n) VALUES (?, ?, ?)');
    my $n = $many->execute_array({ ArrayTupleStatus => \my @status }, [10 .. 14], [qw(p q r s t)], [1, undef, 3, 4, 5]);
    say_it('execute_array', $n, \@status);
    say_it('ids', $db->selectall_arrayref('SELECT * FROM ids ORDER BY id'));
    say_it('update', $db->do('UPDATE ids SET n = 7 WHERE id < 3'), $db->do('UPDATE ids SET n = 7'), $db->do('DELETE FROM ids WHERE id = 99'));
    $fails->('null', sub { $db->do('INSERT INTO ids (v) VALUES (NULL)') });
    $fails->('too long', sub { $db->do("INSERT INTO ids (v) VALUES ('123456')") });
    $fails->('no table', sub { $db->do('SELECT * FROM nothing') });
    $fails->('wrong password', sub { DBI->connect("dbi:$driver:database=$database;host=$host;port=$port", $user, 'no', { RaiseError => 1, PrintError => 0 }) });
    $db->do('DROP TABLE IF EXISTS nothing');
    say_it('warnings', $db->{"${p}_warning_count"}, $db->selectall_arrayref('SHOW WARNINGS'));

    $db->begin_work;
    $db->do('UPDATE ids SET n = 0');
    $db->do('SAVEPOINT one');
    $db->do('DELETE FROM ids');
    $db->do('ROLLBACK TO one');
    $db->commit;
    say_it('committed', $db->selectrow_array('SELECT COUNT(*), SUM(n) FROM ids'));
    $db->{AutoCommit} = 0;
    $db->do('DELETE FROM ids');
    $db->rollback;
    say_it('rolled back', $db->selectrow_array('SELECT COUNT(*) FROM ids'), $db->{AutoCommit} ? 1 : 0);
    $db->{AutoCommit} = 1;

    my $multi = $connect->(";${p}_multi_statements=1");
    my $m = $multi->prepare("SELECT 1; UPDATE ids SET n = 3 WHERE id = 1; SELECT id FROM ids ORDER BY id LIMIT 2");
    $m->execute;
    do { say_it('result', $m->{NUM_OF_FIELDS} ? $m->fetchall_arrayref : $m->rows) } while $m->more_results;
    $multi->do("CREATE PROCEDURE p(a INT) BEGIN SELECT a; SELECT a * 2, 'x'; END");
    $m = $multi->prepare('CALL p(4)');
    $m->execute;
    do { say_it('call', $m->fetchall_arrayref) if $m->{NUM_OF_FIELDS} } while $m->more_results;
    $multi->do('DROP PROCEDURE p');
    $multi->disconnect;

    say_it('quote', $db->quote("it's \\"), $db->quote_identifier('a`b'), $db->quote(undef));
    say_it('table_info', [map { [@$_[2, 3]] } @{ $db->table_info(undef, undef, '%', 'TABLE')->fetchall_arrayref }]);
    say_it('column_info', [map { [@$_[3, 4, 5, 6, 10]] } @{ $db->column_info(undef, undef, 'kinds', '%')->fetchall_arrayref }]);
    say_it('primary_key', [$db->primary_key(undef, undef, 'ids')]);
    say_it('ping', $db->ping ? 1 : 0);
    $db->disconnect;
}
print "end\n";
