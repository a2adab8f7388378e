package sharding

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// TestLoadedKeysAreFound loads key texts into columns of several types, without strict mode as LOCAL means it, and checks that what
// the server stores is looked for on the shard where its line was sent; or that the line was refused.
func TestLoadedKeysAreFound(t *testing.T) {
	texts := []string{"1", "-7", " 12", "12 ", "+5", "007", "1e3", "1.5", "2.50", "12abc", "", "x", "0x10", "99999999999", "-99999999999",
		"2024-02-03", "20240203", "2024-2-3", "24-02-03", "2024-02-31", "2024-02-03 04:05:06", "2024-02-03T04:05:06", "2024-02-03 04:05:06.5", "0",
		"abc", "ABC ", "ä", "Ä", "a\\tb", "a\\\\b", "12345678901234567890", "1.005", "-0", "-0.00", "2.", ".5", "TRUE", "\\0", "ß", "longer than it is"}
	for name, c := range map[string]ColumnInfo{
		"int":          {Name: "a", DataType: "int", ColumnType: "int(11)"},
		"bigint":       {Name: "a", DataType: "bigint", ColumnType: "bigint(20) unsigned"},
		"decimal":      {Name: "a", DataType: "decimal", ColumnType: "decimal(10,2)"},
		"varchar":      textColumn("a", 10, "utf8mb4_general_ci"),
		"varchar bin":  textColumn("a", 10, "latin1_bin"),
		"varbinary":    {Name: "a", DataType: "varbinary", ColumnType: "varbinary(10)", CharLength: 10},
		"date":         {Name: "a", DataType: "date", ColumnType: "date"},
		"datetime":     {Name: "a", DataType: "datetime", ColumnType: "datetime"},
		"datetime(3)":  {Name: "a", DataType: "datetime", ColumnType: "datetime(3)"},
		"char general": {Name: "a", DataType: "char", ColumnType: "char(10)", Collation: "utf8mb4_unicode_ci", CharLength: 10},
	} {
		t.Run(name, func(t *testing.T) {
			db := openServer(t)
			conn, err := db.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, q := range []string{"CREATE DATABASE IF NOT EXISTS files_keys", "USE files_keys", "SET NAMES utf8mb4", "SET sql_mode = 'STRICT_TRANS_TABLES'"} {
				if _, err := conn.ExecContext(context.Background(), q); err != nil {
					t.Fatal(err)
				}
			}
			collate := ""
			if c.Collation != "" {
				collate = " COLLATE " + c.Collation
			}
			if _, err := conn.ExecContext(context.Background(), "CREATE OR REPLACE TABLE keyed (a "+c.ColumnType+collate+")"); err != nil {
				t.Fatal(err)
			}
			key, err := newKeyType(&c)
			if err != nil {
				t.Fatal(err)
			}
			const text = "LOAD DATA LOCAL INFILE 'Reader::k' INTO TABLE keyed CHARACTER SET utf8mb4"
			placed := 0
			for _, file := range texts {
				f := newLineFormat(false)
				f.columns, f.charset = 1, newFileCharset("utf8mb4")
				l := &lineScan{key: &fieldValue{}, id: &fieldValue{}, keyAt: 0, idAt: -1}
				if _, end := f.line([]byte(file+"\n"), true, l); end != scanLine {
					t.Fatalf("%q is not read", file)
				}
				v := Value{Kind: ValString, B: l.key.text}
				k, _, fits := key.convert(nil, &v, charsetUTF8, storing)
				if fits != fitExact {
					continue
				}
				placed++
				mysql.RegisterReaderHandler("k", func() io.Reader { return bytes.NewReader([]byte(file + "\n")) })
				_, derr := conn.ExecContext(context.Background(), "DELETE FROM keyed")
				_, lerr := conn.ExecContext(context.Background(), text)
				if err := errors.Join(derr, lerr); err != nil {
					t.Fatalf("%q: %v", file, err)
				}
				var stored []byte
				if err := conn.QueryRowContext(context.Background(), "SELECT a FROM keyed").Scan(&stored); err != nil {
					t.Fatal(err)
				}
				kind := ValString
				if c.DataType == "int" || c.DataType == "bigint" {
					kind = ValDecimal
				}
				s, _, fits := key.convert(nil, &Value{Kind: kind, B: stored}, charsetUTF8, storing)
				if fits != fitExact || s.hash() != k.hash() {
					t.Errorf("%q is stored as %q, which is looked for elsewhere", file, stored)
				}
			}
			if placed == 0 {
				t.Error("no text is taken")
			}
		})
	}
}
