// Command release-notes writes a section of release notes from commit subjects.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
)

// Kind orders the entries of a section.
type Kind string

const (
	Added   Kind = "Added"
	Changed Kind = "Changed"
	Fixed   Kind = "Fixed"
)

// Classify says what a commit subject announces.
func Classify(subject string) Kind {
	word, _, _ := strings.Cut(strings.ToLower(subject), " ")
	switch word {
	case "add", "introduce", "support":
		return Added
	case "fix", "repair", "mend":
		return Fixed
	}
	return Changed
}

func main() {
	sections := map[Kind][]string{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		kind := Classify(lines.Text())
		sections[kind] = append(sections[kind], lines.Text())
	}
	for _, kind := range []Kind{Added, Changed, Fixed} {
		sort.Strings(sections[kind])
		for _, entry := range sections[kind] {
			fmt.Printf("%s: %s\n", kind, entry)
		}
	}
}
