"""What studies on planted truths share: rows with claims and controls, the ledger, the page, the command."""
