"""What is at an address of the page: one file a page, or a few small ones."""
