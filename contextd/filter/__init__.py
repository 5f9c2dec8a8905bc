"""The boundary and redaction filter: the only maker of Admitted."""
