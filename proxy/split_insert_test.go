package proxy

import (
	"testing"

	"lockstep/protocol"
)

func TestRenumberRow(t *testing.T) {
	rows := []int{2, 5, 9}
	for in, want := range map[string]string{
		"Data truncated for column 'v' at row 1":     "Data truncated for column 'v' at row 2",
		"Data too long for column 'at row' at row 3": "Data too long for column 'at row' at row 9",
		"Data truncated for column 'v' at row 4":     "Data truncated for column 'v' at row 4",
		"Column 'v' cannot be null":                  "Column 'v' cannot be null",
		"at row 99999999999999999999":                "at row 99999999999999999999",
	} {
		if got := renumberRow(in, rows); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestOneRowInfo(t *testing.T) {
	for _, c := range []struct {
		affected uint64
		ignore   bool
		want     string
	}{
		{1, false, "Records: 1  Duplicates: 0  Warnings: 3"},
		{1, true, "Records: 1  Duplicates: 0  Warnings: 3"},
		{0, true, "Records: 1  Duplicates: 1  Warnings: 3"},
		{0, false, "Records: 1  Duplicates: 0  Warnings: 3"}, // ON DUPLICATE KEY UPDATE that changed nothing
		{2, false, "Records: 1  Duplicates: 1  Warnings: 3"}, // it changed the row, or REPLACE
		{3, false, "Records: 1  Duplicates: 2  Warnings: 3"}, // REPLACE of two
	} {
		if got := oneRowInfo(protocol.OK{AffectedRows: c.affected, Warnings: 3}, c.ignore); got != c.want {
			t.Errorf("%d rows affected, ignore %v: %q, want %q", c.affected, c.ignore, got, c.want)
		}
	}
}

func TestConditionsOfAWhole(t *testing.T) {
	var d diagnostics
	d.warn(1287, "old")
	for range 3 { // shards
		d.warn(1287, "'VALUES function' is deprecated")
		d.warn(1292, "Truncated incorrect DOUBLE value: 'x'")
	}
	d.asWhole(1)
	if len(d.entries) != 5 {
		t.Errorf("conditions are %v", d.entries)
	}
	if got := withWarnings("Records: 3  Duplicates: 2  Warnings: 6", 4); got != "Records: 3  Duplicates: 2  Warnings: 4" {
		t.Errorf("info is %q", got)
	}
	if got := withWarnings("Records: 3  Duplicates: 2  Warnings: 600", maxConditions); got != "Records: 3  Duplicates: 2  Warnings: 600" {
		t.Errorf("info is %q where more warnings came than are kept", got)
	}
}

func TestSortByRow(t *testing.T) {
	var d diagnostics
	d.warn(1, "before at row 9")
	for _, text := range []string{"b at row 2", "d at row 10", "a at row 1", "c at row 2"} {
		d.warn(1, text)
	}
	d.sortByRow(1)
	got := ""
	for _, e := range d.entries {
		got += e.text[:1]
	}
	if got != "babcd" {
		t.Errorf("order is %s", got)
	}
	d.warn(1, "names none")
	d.warn(1, "0 at row 0")
	d.sortByRow(0)
	if d.entries[0].text != "before at row 9" {
		t.Error("conditions without a row were moved")
	}
}
