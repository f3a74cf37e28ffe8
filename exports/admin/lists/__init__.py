"""The list pages of the desk: documents, attempts, and the documents of a failure group.

Thin: exports/predicate.py says which rows are meant; here is how they are shown, narrowed, chosen, kept as a view and
taken away as a file. A page that holds a list calls `page.build` and includes admin/exports/lists/list.html."""
