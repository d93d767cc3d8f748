"""What each page says: one module a page, from a question to plain content; how it looks stands in the templates."""
