package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = ""

const versionAbout = `Prints the version, and what the program was built with.
`

func runVersion(_ context.Context, t terminal, args []string) error {
	if _, err := parseFlags(newFlags(t, "version", "version", versionAbout), args, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "lockstep %s (%s, %s/%s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// versionText is the release's version, or what the build knows of its source.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	text := "devel"
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		text = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return text + " " + s.Value[:12]
		}
	}
	return text
}
