package sharding

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// equalColumns are columns whose equality the server judges.
var equalColumns = []struct{ name, definition, class string }{
	{"general", "varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "text"},
	{"general_nopad", "varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_nopad_ci", "text"},
	{"unicode", "varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "text"},
	{"unicode3", "varchar(30) CHARACTER SET utf8mb3 COLLATE utf8mb3_unicode_ci", "text"},
	{"unicode520", "varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci", "text"},
	{"uca1400", "varchar(30) CHARACTER SET utf8mb4 COLLATE uca1400_ai_ci", "text"},
	{"uca1400_as", "varchar(30) CHARACTER SET utf8mb4 COLLATE uca1400_nopad_as_ci", "text"},
	{"bin", "varchar(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "text"},
	{"nopad_bin", "char(30) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", "text"},
	{"swedish", "varchar(30) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "text"},
	{"general_cs", "varchar(30) CHARACTER SET latin1 COLLATE latin1_general_cs", "text"},
	{"ascii", "varchar(30) CHARACTER SET ascii COLLATE ascii_general_ci", "text"},
	{"bytes", "binary(8)", "text"},
	{"varbytes", "varbinary(30)", "text"},
	{"whole", "bigint", "number"},
	{"small", "tinyint unsigned", "number"},
	{"decimals", "decimal(12,3)", "number"},
	{"wide", "decimal(40,3)", "number"},
	{"day", "date", "moment"},
	{"moment", "datetime(3)", "moment"},
	{"uid", "uuid", "uuid"},
}

// candidates are literals that may be equal to each other as values of a class.
func candidates(r *rand.Rand, class string) []string {
	var out []string
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	switch class {
	case "number":
		for range 24 {
			n := pick("0", "1", "5", "42", "127", "255", "9007199254740993", "9223372036854775807", "123456789.125", "5.5", "1.005")
			for _, form := range []string{"%s", "'%s'", "-%s", "'-%s'", "'%sx'", "' %s'", "%se0", "'+%s'", "'0%s'", "'%s '", "'%se0'"} {
				out = append(out, fmt.Sprintf(form, n))
			}
			if !strings.Contains(n, ".") {
				out = append(out, n+".0", "00"+n, "'"+n+".000'", n+".4")
			}
		}
		out = append(out, "0x05", "0x2A", "0x7F", "5000e-3", "TRUE", "FALSE", ".5", "'.0'")
	case "moment":
		for range 150 {
			out = append(out, "'"+pick("2024", "1999", "0000", "24")+"-"+pick("02", "2", "00", "12")+"-"+pick("29", "28", "00", "01", "1")+
				pick("", "", " 00:00:00", "T00:00:00.000", " 10:11:12", " 10:11:12.500", " 10:11:12.5", " 10:11:12.0005", " 24:00:00")+"'")
		}
		out = append(out, "20240229", "'20240229'", "20240229101112", "DATE '2024-02-29'", "TIMESTAMP '2024-02-29 00:00:00'")
	case "uuid":
		for range 8 {
			n := r.IntN(3)
			out = append(out, fmt.Sprintf("'0000000%d-ABCD-1234-8000-00000000000%d'", n, n), fmt.Sprintf("'0000000%dabcd1234800000000000000%d'", n, n),
				fmt.Sprintf("'0000000%d-abcd-1234-8000-00000000000%d'", n, n), fmt.Sprintf("'0000-000%dabcd-1234-8000-00000000000%d'", n, n))
		}
	default:
		letters := []string{"a", "A", "e", "E", "é", "É", "e\u0301", "ß", "ss", "s", "æ", "ae", "Æ", "i", "ı", "İ", "и", "и\u0306", "й", "Й", "К", "к",
			"か", "が", "カ", "ｶ", "か\u3099", "中", "\u2e8f", "金", "金", "한", "\u1112\u1161\u11ab", "ㄱ", "ก", "เ", "เก", "ll", "l·", "l", "ا\u0653", "آ", "ا",
			"😀", "🎉", "𝐀", "５", "5", "Ⅷ", "viii", "½", "\u00a0", " ", "  ", "\u200b", "\u00ad", "\t", "\u0001", ".", "-", "_", "€", "ÿ", "Ÿ", "y", "ü", "ä", "å", "Ö", "o", "ð", "đ", "d",
			"ﬁ", "fi", "Σ", "ς", "σ", "ά", "α\u0301", "α", "\u0344", "क", "क\u093c", "क़", "ཱི", "\u0f71\u0f72"}
		// Few of them at a time, so that equal texts are likely.
		r.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		near := [][]string{{"a", "A"}, {"e", "é", "e\u0301", "E"}, {"и", "и\u0306", "й", "Й"}, {"か", "が", "カ", "か\u3099"}, {"ss", "ß", "s"}, {"金", "金"},
			{"l", "l·", "L"}, {"ا\u0653", "آ", "ا"}, {"5", "５"}, {"한", "\u1112\u1161\u11ab"}, {"ά", "α\u0301", "Ά"}, {"เก", "เ", "ก"}, {"क\u093c", "क़"}}
		letters = append(letters[:4], near[r.IntN(len(near))]...)
		letters = append(letters, near[r.IntN(len(near))]...)
		for range 60 {
			var s strings.Builder
			for range r.IntN(3) + 1 {
				s.WriteString(pick(letters...))
			}
			s.WriteString(pick("", "", " ", "  "))
			out = append(out, "'"+s.String()+"'")
		}
		out = append(out, "''", "5", "'5'", "0x61", "_binary'a'", "'5.0'")
	}
	return out
}

// placeLiteral is where a literal is looked for (comparing) or stored: a shard, or -1 when it is not known.
func placeLiteral(t *testing.T, kt *keyType, literal string, why purpose) (keyValue, fit) {
	t.Helper()
	text := strings.TrimPrefix(strings.TrimPrefix(literal, "DATE "), "TIMESTAMP ")
	env := testEnv()
	s := newScanner(env, []byte(text))
	tok := s.next()
	negative := false
	if tok.kind == tokPunct && text[tok.start] == '-' {
		negative = true
		tok = s.next()
	}
	var v Value
	switch {
	case strings.EqualFold(text, "true"):
		v = Value{Kind: ValInt, I: 1}
	case strings.EqualFold(text, "false"):
		v = Value{Kind: ValInt}
	case tok.kind != tokLiteral || tok.end != len(text):
		return keyValue{}, fitUnknown // not a plain literal
	default:
		v, _ = decodeLiteral(nil, []byte(text[tok.start:tok.end]), tok.lit, negative, false)
	}
	if v.Kind == valUnknown {
		return keyValue{}, fitUnknown
	}
	k, _, f := kt.convert(nil, &v, charsetUTF8, why)
	return k, f
}

// TestEqualValuesMeet stores values on a real server and compares them there: whenever the server finds a stored value
// equal to a literal, the canonical forms must agree, or the literal's must be unknown.
func TestEqualValuesMeet(t *testing.T) {
	db := openServer(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	run := func(q string) {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	run("CREATE DATABASE equality")
	run("USE equality")
	run("SET NAMES utf8mb4, sql_mode='STRICT_ALL_TABLES'")
	seed := uint64(rand.Uint32())
	r := rand.New(rand.NewPCG(seed, 1))
	for _, col := range equalColumns {
		t.Run(col.name, func(t *testing.T) {
			table := "t_" + col.name
			run(fmt.Sprintf("CREATE TABLE %s (k %s, v varchar(200))", table, col.definition))
			info := columnOf(t, conn, table)
			kt, err := newKeyType(&info)
			if err != nil {
				t.Fatal(err)
			}
			stored := make(map[string]keyValue)
			compared := make(map[string]keyValue)
			for _, lit := range candidates(r, col.class) {
				k, f := placeLiteral(t, kt, lit, storing)
				_, err := conn.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO %s VALUES (%s, ?)", table, lit), lit)
				if f == fitOverflow && err == nil && !strings.Contains(col.name, "bytes") {
					t.Errorf("%s is said not to fit, but the server stores it (seed %d)", lit, seed)
				}
				if err == nil && f == fitExact {
					stored[lit] = k
				} else if err == nil {
					run(fmt.Sprintf("DELETE FROM %s WHERE v = '%s'", table, strings.ReplaceAll(lit, "'", "''")))
				}
				if k, f := placeLiteral(t, kt, lit, comparing); f == fitExact {
					compared[lit] = k
				} else if f == fitNever {
					compared[lit] = keyValue{text: []byte("never")}
				}
			}
			if len(stored) < 3 || len(compared) < 3 {
				t.Fatalf("only %d stored and %d compared", len(stored), len(compared))
			}
			equal := 0
			for lit, k := range compared {
				rows, err := conn.QueryContext(t.Context(), fmt.Sprintf("SELECT v FROM %s WHERE k = %s", table, lit))
				if err != nil {
					continue // a literal that the server refuses
				}
				for rows.Next() {
					var v string
					if err := rows.Scan(&v); err != nil {
						t.Fatal(err)
					}
					s, ok := stored[v]
					if !ok {
						continue
					}
					equal++
					if s.integer != k.integer || s.compare(k) != 0 {
						t.Errorf("stored %s equals %s, but the canonical forms are %x %v and %x %v (seed %d)", v, lit, s.text, s.magnitude, k.text, k.magnitude, seed)
					}
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d stored, %d compared, %d equal pairs", len(stored), len(compared), equal)
			if equal < 1 && col.name != "bytes" { // BINARY pads what it stores
				t.Errorf("only %d pairs were equal", equal)
			}
		})
	}
}

func columnOf(t *testing.T, conn *sql.Conn, table string) (c ColumnInfo) {
	t.Helper()
	var collation sql.NullString
	var length sql.NullInt64
	err := conn.QueryRowContext(t.Context(), "SELECT column_name, data_type, column_type, collation_name, character_maximum_length FROM information_schema.columns WHERE table_schema='equality' AND table_name=? AND column_name='k'", table).
		Scan(&c.Name, &c.DataType, &c.ColumnType, &collation, &length)
	if err != nil {
		t.Fatal(err)
	}
	c.Collation, c.CharLength = collation.String, int(length.Int64)
	return c
}
