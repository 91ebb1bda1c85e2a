"""What we keep: one module a kind of record, one function a question, the transaction first."""
