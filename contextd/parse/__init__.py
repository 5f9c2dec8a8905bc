"""Taking admitted text apart: chunks, symbols, sections."""
