"""The control plane: registry, grants, findings, events and the index of receipts."""
