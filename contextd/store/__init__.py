"""What is kept: the content shelf, the control plane and the audit log."""
