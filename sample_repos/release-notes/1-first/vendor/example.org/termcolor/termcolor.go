// Package termcolor is vendored; context about it comes from its own repository.
package termcolor

func Red(text string) string { return "\x1b[31m" + text + "\x1b[0m" }
