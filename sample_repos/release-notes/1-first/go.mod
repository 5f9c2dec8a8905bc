module example.org/release-notes

go 1.23
