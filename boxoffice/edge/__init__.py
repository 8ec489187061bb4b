"""What pages, API and hooks share: rendering, forms, cookies, and the rules that browsers are given."""
