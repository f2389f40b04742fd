; What can be folded: whatever has brackets and may go over lines.

[
  (block)
  (arms)
  (import_names)
  (params)
  (args)
  (list)
] @fold

((text) @fold
  (#match? @fold "^\"\"\""))
