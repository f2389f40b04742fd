; How lines are indented: what stands in brackets by one more than the line that opens them.

[
  (block)
  (arms)
  (import_names)
  (params)
  (args)
  (list)
  (group)
] @indent

[
  "}"
  ")"
  "]"
] @outdent
