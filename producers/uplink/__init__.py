"""The link to the hub: sending chunks, receipts, enrolment and renewal of credentials."""
