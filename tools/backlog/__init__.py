"""Work that is done later: transcripts queued as pending episodes, and pending episodes judged."""
