package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lockstep/localdb"
)

// fixEngine answers the engine of the folder's shards: the one that it was made with, or for a new
// folder the one that is asked for. To ask for another than the folder's is an error; "" asks for none.
func (d *devDir) fixEngine(asked localdb.Engine) (localdb.Engine, error) {
	has, err := d.engine()
	if err != nil {
		return "", err
	}
	switch {
	case has != "" && asked != "" && has != asked:
		return "", fmt.Errorf("%s was made with %s servers: their data cannot be served by %s.\n"+
			"Start it with --engine %s, or choose another folder with --dir", d.path, has, asked, string(has))
	case has != "":
		return has, nil
	case asked != "":
		return asked, nil
	}
	return localdb.MariaDB, nil
}

// engine reads what noteEngine wrote; "" for a new folder.
func (d *devDir) engine() (localdb.Engine, error) {
	text, err := os.ReadFile(d.file("engine"))
	if errors.Is(err, fs.ErrNotExist) {
		// Folders had no such file when MariaDB was the only engine.
		if _, err := os.Stat(d.file("shards")); err == nil {
			return localdb.MariaDB, nil
		}
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the engine of the shards: %w", err)
	}
	e, err := localdb.ParseEngine(strings.TrimSpace(string(text)))
	if err != nil {
		return "", fmt.Errorf("read the engine of the shards from %s: %w", d.file("engine"), err)
	}
	return e, nil
}

// noteEngine writes down the engine of a new folder's shards.
func (d *devDir) noteEngine(e localdb.Engine) error {
	if has, err := d.engine(); err != nil || has != "" {
		return err
	}
	if err := os.WriteFile(d.file("engine"), []byte(string(e)+"\n"), 0o600); err != nil {
		return fmt.Errorf("note the engine of the shards: %w", err)
	}
	return nil
}
